"""Logs are JSON lines on stderr: what happened, to which record, never the value of anything."""

import logging
import sys
import traceback
from types import TracebackType

import structlog


def configure(service: str, level: str) -> None:
    """Set the process's logging up; libraries write through the same lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_trace),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _trace(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> list[str]:
    """Classes and lines of code only: the text of an exception, and the variables around it, hold what people wrote."""
    lines: list[str] = []
    cause: BaseException | None = exc_info[1]
    while cause:
        lines.append(type(cause).__name__)
        lines += [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(cause.__traceback__)]
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return lines
