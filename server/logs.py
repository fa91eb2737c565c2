"""One form for every log line, ours and the libraries': JSON for machines, colours for a person at a terminal."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from typing import Any, Final, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor

_QUIET: Final = ("aiormq", "aio_pika", "asyncio", "grpc._cython.cygrpc", "psycopg.pool", "uvicorn", "alembic")
"""Libraries that tell at INFO what is no news here; their warnings are kept."""

_FLUSH_SECONDS: Final = 0.01
"""A line may wait so long for company: a write to the system for each was the dearest part of a small request."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="time")
_ALWAYS: Final[Sequence[Processor]] = (structlog.processors.add_log_level, _stamp)


def configure(*, form: str = "auto", level: str = "INFO", stream: TextIO | None = None) -> None:
    """Set up structlog and the standard library's logging. `form` is json, console or auto (console on a terminal)."""
    stream = stream or sys.stdout
    console = form == "console" or (form == "auto" and stream.isatty())
    ending: list[Processor] = [structlog.dev.ConsoleRenderer(colors=stream.isatty())] if console else [_json]
    lines = Lines(stream)
    structlog.configure(
        processors=[*_ALWAYS, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", lines)),
        cache_logger_on_first_use=True,
    )
    _route_stdlib(ending, level, lines)


class Lines:
    """Where lines go: to the stream, and on to the system together when they come close upon each other."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting = False

    def write(self, text: str) -> None:
        """Take text that ends its own lines."""
        self._stream.write(text)

    def flush(self) -> None:
        """Hand over what was taken: soon where an event loop runs, at once elsewhere."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._stream.flush()
            return
        if not self._waiting:
            self._waiting = True
            loop.call_later(_FLUSH_SECONDS, self._flush_now)

    def _flush_now(self) -> None:
        self._waiting = False
        self._stream.flush()


def _json(logger: Any, method: str, event: EventDict) -> str:
    if "exc_info" in event:
        event = structlog.processors.format_exc_info(logger, method, event)
    return _encode(event)


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
