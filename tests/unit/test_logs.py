"""Log lines: one form for ours and for the libraries'."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from server import logs
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    """Logging belongs to the process: give it back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_our_lines_and_the_libraries_are_json_of_one_form() -> None:
    stream = io.StringIO()
    logs.configure(form="json", stream=stream)
    structlog.get_logger().info("request", rpc="/x", code="OK")
    logging.getLogger("uvicorn.error").warning("slow %s", "start")
    ours, theirs = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (ours["event"], ours["level"], ours["rpc"]) == ("request", "info", "/x")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("slow start", "warning", "uvicorn.error")
    assert ours["time"].endswith("Z")
    assert theirs["time"].endswith("Z")


class Flushed(io.StringIO):
    """Counts how often it was handed over to the system."""

    def __init__(self) -> None:
        super().__init__()
        self.times = 0

    def flush(self) -> None:
        self.times += 1


def test_without_an_event_loop_each_line_is_handed_over_at_once() -> None:
    stream = Flushed()
    logs.configure(form="json", stream=stream)
    structlog.get_logger().info("one")
    assert stream.times == 1


async def test_in_an_event_loop_lines_are_handed_over_together_and_soon() -> None:
    stream = Flushed()
    logs.configure(form="json", stream=stream)
    for number in range(20):
        structlog.get_logger().info("line", number=number)
    await eventually(lambda: stream.times)
    assert (stream.times, len(stream.getvalue().splitlines())) == (1, 20)


async def test_what_is_wrong_is_handed_over_at_once_with_what_came_before_it() -> None:
    stream = Flushed()
    logs.configure(form="json", stream=stream)
    structlog.get_logger().info("before")
    structlog.get_logger().error("broken")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["before", "broken"]


async def test_lines_keep_their_order_and_their_own_moment_however_late_they_are_written() -> None:
    stream = Flushed()
    logs.configure(form="json", stream=stream)
    structlog.get_logger().info("ours")
    logging.getLogger("theirs").info("theirs")
    structlog.get_logger().info("ours again")
    await eventually(lambda: stream.times)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["ours", "theirs", "ours again"]
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)


def test_an_error_keeps_its_traceback_on_its_one_line() -> None:
    stream = io.StringIO()
    logs.configure(form="json", stream=stream)
    structlog.get_logger().error("request_failed", exc_info=ValueError("what happened"))
    (line,) = stream.getvalue().splitlines()
    assert "ValueError: what happened" in json.loads(line)["exception"]


def test_lines_below_the_level_are_not_written() -> None:
    stream = io.StringIO()
    logs.configure(form="json", level="WARNING", stream=stream)
    structlog.get_logger().info("request")
    logging.getLogger("anything").info("chatter")
    assert stream.getvalue() == ""


def test_a_newline_from_outside_cannot_make_a_second_line() -> None:
    stream = io.StringIO()
    logs.configure(form="json", stream=stream)
    structlog.get_logger().info("request", request_id='x\n{"event":"forged"}')
    assert len(stream.getvalue().splitlines()) == 1


class Untold:
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize("value", ["\ud800", 2**70, {1: "a"}, {(1, 2): "a"}, float("nan"), {"b"}, Untold()])
async def test_a_line_is_written_whatever_it_holds_and_so_are_its_neighbours(value: object) -> None:
    stream = io.StringIO()
    logs.configure(form="json", stream=stream)
    for one in (1, value, 3):
        structlog.get_logger().info("request", value=one)
    await eventually(stream.getvalue)
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["request"] * 3


def test_what_is_no_terminal_gets_json_by_itself() -> None:
    stream = io.StringIO()
    logs.configure(form="auto", stream=stream)
    structlog.get_logger().info("hello")
    assert json.loads(stream.getvalue())["event"] == "hello"


def test_the_console_form_is_for_people() -> None:
    stream = io.StringIO()
    logs.configure(form="console", stream=stream)
    structlog.get_logger().info("hello", rpc="/x")
    assert "hello" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
