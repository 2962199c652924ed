"""A log line says what happened and where, and holds no values of a message."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from itertools import count

import structlog

from chassis.observability import logs

CANARY = "lotte.peeters@example.org"


def lines_of(program: Callable[[], None]) -> list[dict[str, object]]:
    """The log lines of a process that configures logging and then runs this function."""
    code = f"from tests.chassis import test_logs; test_logs.{program.__name__}()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stderr.splitlines()]


def a_program_that_fails() -> None:
    logs.configure("tally", "info")
    try:
        _fail_over(CANARY)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("request failed")
        structlog.get_logger("consumer").error("batch failed", exc_info=True)


def _fail_over(email: str) -> None:
    try:
        raise KeyError(email)
    except KeyError as error:
        raise ValueError(f"nobody is called {email}") from error


def test_an_exception_is_logged_by_its_classes_and_lines_without_a_single_value() -> None:
    lines = lines_of(a_program_that_fails)
    assert [line["event"] for line in lines] == ["request failed", "batch failed"]
    for line in lines:
        assert CANARY not in json.dumps(line)
        trace = line["exception"]
        assert isinstance(trace, list)
        assert [word for word in trace if ":" not in word] == ["ValueError", "KeyError"]
        assert any("test_logs.py:" in word for word in trace)


def a_program_that_logs() -> None:
    logs.configure("tally", "warning")
    structlog.get_logger("x").info("too quiet")
    structlog.get_logger("x").warning("received", records=3)


def test_a_line_says_which_service_when_and_how_bad() -> None:
    (line,) = lines_of(a_program_that_logs)
    assert line.pop("timestamp")
    assert line == {"event": "received", "records": 3, "service": "tally", "level": "warning"}


def a_program_whose_broker_is_down_for_two_minutes() -> None:
    seconds = count()
    logs.configure("tally", "info", now=lambda: next(seconds))
    for _ in range(125):
        logging.getLogger("aiokafka").error("Unable connect to node with id %s", 1)


def test_what_kafkas_client_says_every_second_is_logged_once_a_minute_and_counted() -> None:
    lines = lines_of(a_program_whose_broker_is_down_for_two_minutes)
    assert {line["event"] for line in lines} == {"Unable connect to node with id 1"}
    assert [line.get("held_back") for line in lines] == [None, 59, 59]


def a_program_with_more_to_say() -> None:
    logs.configure("tally", "info", now=lambda: 0)
    for node in (1, 2, 1):
        logging.getLogger("aiokafka.conn").error("Unable connect to node with id %s", node)
    for _ in range(2):
        logging.getLogger("uvicorn.error").error("request failed")


def test_another_line_of_the_client_and_every_line_of_another_library_is_logged_at_once() -> None:
    assert [line["event"] for line in lines_of(a_program_with_more_to_say)] == [
        "Unable connect to node with id 1",
        "Unable connect to node with id 2",
        "request failed",
        "request failed",
    ]
