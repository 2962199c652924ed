"""Logs are JSON lines on stderr: what happened, to which record, never the value of anything."""

import logging
import sys
import time
import traceback
from collections.abc import Callable
from types import TracebackType

import structlog

REPETITIVE = "aiokafka"
"""Writes a line about every attempt to reach a broker that is down, several in a second."""
MINUTE = 60.0
LINES = 1_000
"""Different ones that are remembered: lines may hold numbers, and this is no place to keep them all."""


def configure(service: str, level: str, *, now: Callable[[], float] = time.monotonic) -> None:
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
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(["held_back"]), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    handler.addFilter(OnceAMinute(REPETITIVE, now))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


class OnceAMinute(logging.Filter):
    """Lets each line of one library through once a minute, and then says how often it was held back meanwhile."""

    def __init__(self, library: str, now: Callable[[], float]) -> None:
        super().__init__(library)
        self._now = now
        self._until: dict[str, float] = {}
        self._held_back: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Is it of another library, or the first of its minute?"""
        if not super().filter(record):
            return True
        line, now = record.getMessage(), self._now()
        if now < self._until.get(line, now):
            self._held_back[line] = self._held_back.get(line, 0) + 1
            return False
        if len(self._until) == LINES:
            self._until.clear()
            self._held_back.clear()
        self._until[line] = now + MINUTE
        if held_back := self._held_back.pop(line, 0):
            vars(record)["held_back"] = held_back
        return True


def _trace(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> list[str]:
    """Classes and lines of code only: the text of an exception, and the variables around it, hold what people wrote."""
    lines: list[str] = []
    cause: BaseException | None = exc_info[1]
    while cause:
        lines.append(type(cause).__name__)
        lines += [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(cause.__traceback__)]
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return lines
