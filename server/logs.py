"""One form for every log line, ours and the libraries': JSON for machines, colours for a person at a terminal."""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor

_QUIET: Final = (
    *("aiormq", "aio_pika", "alembic", "asyncio", "grpc._cython.cygrpc", "httpcore", "httpx", "psycopg.pool"),
    "uvicorn",
)
"""Libraries that tell at INFO what is no news here; their warnings are kept."""

_FLUSH_SECONDS: Final = 0.01
"""A line may wait so long for company: twenty rendered and written together cost half of what they cost one by one."""

_NOT_URGENT: Final = frozenset({"debug", "info"})

_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="time")
_instant = structlog.processors.TimeStamper(fmt=None, utc=True, key="time")
_ALWAYS: Final[Sequence[Processor]] = (structlog.processors.add_log_level, _stamp)


def configure(*, form: str = "auto", level: str = "INFO", stream: TextIO | None = None) -> None:
    """Set up structlog and the standard library's logging. `form` is json, console or auto (console on a terminal)."""
    stream = stream or sys.stdout
    console = form == "console" or (form == "auto" and stream.isatty())
    ending: list[Processor] = [structlog.dev.ConsoleRenderer(colors=stream.isatty())] if console else [_json]
    lines = Lines(stream, ending[0])
    structlog.configure(
        processors=[_noted],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    _route_stdlib(ending, level, lines)


class Lines:
    """Where lines go: together, soon where an event loop runs, at once elsewhere and when something is wrong.

    `render` makes the text of one event. What waits when the process is killed outright is lost.
    """

    def __init__(self, stream: TextIO, render: Processor) -> None:
        self._stream = stream
        self._render = render
        self._kept: list[str | EventDict] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        atexit.register(self._hand_over)

    def write(self, text: str) -> None:
        """Take text that ends its own lines, until `flush`."""
        self._kept.append(text)

    def flush(self) -> None:
        """Hand over what was taken."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._hand_over()
            return
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(_FLUSH_SECONDS, self._hand_over)

    def msg(self, event: EventDict) -> None:
        """Take one of our own events."""
        self._kept.append(event)
        if event["level"] in _NOT_URGENT and "exc_info" not in event:
            self.flush()
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        self._loop = None
        kept, self._kept = self._kept, []
        self._stream.write("".join([one if isinstance(one, str) else self._text(one) for one in kept]))
        self._stream.flush()

    def _text(self, event: EventDict) -> str:
        """The event's line; one that cannot be shown says so, and takes no other with it."""
        moment = datetime.fromtimestamp(event["time"], UTC).isoformat(timespec="microseconds")
        event["time"] = moment.replace("+00:00", "Z")
        try:
            return f"{self._render(None, event['level'], event)!s}\n"
        except Exception as error:  # noqa: BLE001 -- whatever a value's own text raises
            shown = {name: event[name] for name in ("event", "level", "time")}
            return f"{self._render(None, event['level'], {**shown, 'not_shown': type(error).__name__})!s}\n"


# structlog calls a method by the name of the level; here they are all one.
for _level in ("debug", "info", "warning", "error", "critical"):
    setattr(Lines, _level, Lines.msg)


def _noted(_: Any, method: str, event: EventDict) -> tuple[tuple[EventDict], dict[str, Any]]:
    """The event as it is, with what only this moment knows."""
    event["level"] = method
    return (_instant(_, method, event),), {}


def _json(logger: Any, method: str, event: EventDict) -> str:
    if "exc_info" in event:
        event = structlog.processors.format_exc_info(logger, method, event)
    try:
        return orjson.dumps(event, default=str).decode()
    except TypeError:  # half of a surrogate pair, a number of more than 64 bits: ASCII says anything
        return json.dumps(event, default=str)


def _route_stdlib(ending: list[Processor], level: str, lines: Lines) -> None:
    handler = logging.StreamHandler(lines)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_ALWAYS, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
