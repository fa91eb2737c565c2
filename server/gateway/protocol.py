"""uvicorn's HTTP/1.1 with the limits that it lacks: slow or oversized requests are refused and cut off, readers that
stopped reading too, and whoever serves a client is told when that hangs up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from domain.errors import Overloaded, Unavailable
from server.gateway.cycle import Cycle
from server.gateway.exchange import ON_LEAVE
from server.gateway.problems import PROBLEM_TYPE, headers_of, problem_json, problem_of
from server.gateway.refusals import refusal_at_door
from server.rpc.errors import Refusal, refusal_of


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Bytes of a request's target and of its headers; seconds for the headers to be whole, for the body, for a full
    send buffer to move again, for an idle connection to be used again, and until a busy one is asked to come anew, so
    that load finds new replicas; connections at once.
    """

    target: int = 16_384
    headers: int = 32_768
    header_seconds: float = 10.0
    body_seconds: float = 60.0
    send_seconds: float = 30.0
    idle_seconds: float = 75.0
    age_seconds: float = 300.0
    connections: int = 2048


Tell = Callable[[Refusal, str], str]
"""Is told of a refusal and of the peer's address; answers the id by which it can be found."""


class _Refused(Exception):
    """Raised inside the parser, which then stops."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    limits: HttpLimits
    tell: Tell

    _refusal: Refusal = refusal_at_door("MALFORMED_HTTP", "this is not HTTP/1.1")
    _limit: tuple[float, str] | None = None
    """The seconds that what is being received may take, and what is said when it takes longer."""
    _timer: asyncio.TimerHandle | None = None
    _send_timer: asyncio.TimerHandle | None = None
    _header_bytes: int = 0
    _in_body: bool = False
    _born: float = 0.0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._unanswered: list[Cycle] = []
        """The requests that came and have no whole answer yet, in their order: uvicorn itself knows only the last."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """The clock runs from here, also for who says nothing."""
        super().connection_made(transport)
        self._born = self.loop.time()
        if len(self.connections) > self.limits.connections:
            self._refusal = refusal_of(Overloaded("too many connections are open", retry_after=1.0))
            self.send_400_response("")
            return
        self._within(*self._headers_limit())

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever serves this client."""
        self._stop()
        self._stop_send_timer()
        for cycle in self._waiting():
            cycle.disconnected = True
            on_leave: Any = cycle.scope.get(ON_LEAVE)
            if on_leave is not None:
                on_leave()
            cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, received: bytes) -> None:
        """A request that is whole with what came needs no clock.

        Empty lines end uvicorn's clock for idle connections, and begin no request: ours runs then.
        """
        super().data_received(received)
        if self._timer is None and self._limit is not None:
            self._within(*self._limit)
        elif self._timer is None and not self._waiting():
            self._within(*self._headers_limit())

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._header_bytes = 0
        self._limit = self._headers_limit()
        self._stop()

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        super().on_url(url)
        if len(self.url) > self.limits.target:
            self._refuse("URI_TOO_LONG", f"the request's target has more than {self.limits.target} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > self.limits.headers:
            self._refuse("HEADERS_TOO_LARGE", f"the headers have more than {self.limits.headers} bytes")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The headers are whole: the request is served, once those before it are answered; the body's time begins."""
        self._complete_scope()
        before = self._waiting()
        self.cycle = cycle = self._new_cycle()
        self._unanswered = [*before, cycle]
        self._in_body = True
        self._limit = (self.limits.body_seconds, "the body took too long")
        self._stop()
        if before:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))
        else:
            self._start_asgi_task(cycle, self.app)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._stop()
        self._limit = None
        self._in_body = False
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client reads slower than we write."""
        super().pause_writing()
        self._watch_sending()

    def resume_writing(self) -> None:
        """It reads again."""
        self._stop_send_timer()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 -- uvicorn's words; ours are in the refusal
        """Refuse what the parser did not take, by the reason that was noted."""
        if self._is_answering():
            self.transport.close()
            return
        refusal = self._refusal
        request_id = type(self).tell(refusal, f"{self.client[0]}:{self.client[1]}" if self.client else "")
        status = refusal.status.http
        body = problem_json(problem_of(refusal, status=status, instance="", request_id=request_id))
        headers = [
            *headers_of(refusal, status=status),
            (b"x-request-id", request_id.encode()),
            (b"content-type", PROBLEM_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            *((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"), (b"connection", b"close")),
        ]
        lines = [b"%b: %b\r\n" % header for header in headers]
        self.transport.write(b"".join([STATUS_LINE[status], *lines, b"\r\n", body]))
        self.transport.close()

    def shutdown(self) -> None:
        """The server stops: who has not sent all of a request yet is not waited for."""
        if self._in_body and not self._is_answering():
            self._refusal = refusal_of(Unavailable("this server stops; another one goes on", retry_after=1.0))
            self.send_400_response("")
            return
        super().shutdown()

    def _is_answering(self) -> bool:
        """Whether an answer is on its way, or one request before this one waits for its own."""
        waiting = self._waiting()
        if self._in_body and waiting and not waiting[-1].response_started:
            waiting.pop()
        return bool(waiting)

    def _waiting(self) -> list[Cycle]:
        return [cycle for cycle in self._unanswered if not cycle.response_complete]

    def _refuse(self, reason: str, sentence: str) -> NoReturn:
        self._refusal = refusal_at_door(reason, sentence)
        raise _Refused(reason)

    def _headers_limit(self) -> tuple[float, str]:
        return self.limits.header_seconds, "the headers took too long"

    def _complete_scope(self) -> None:
        """The request line, as ASGI has it."""
        try:
            url = httptools.parse_url(self.url)
        except httptools.HttpParserInvalidURLError:
            self._refuse("MALFORMED_HTTP", "the request's target is no path")
        path = url.path.decode("ascii")
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["http_version"] = self.parser.get_http_version()
        self.scope["path"] = unquote(path) if "%" in path else path
        self.scope["raw_path"] = url.path
        self.scope["query_string"] = url.query or b""

    def _new_cycle(self) -> Cycle:
        fresh = self.loop.time() - self._born <= self.limits.age_seconds
        return Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=fresh and self.scope["http_version"] != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )

    def _within(self, seconds: float, sentence: str) -> None:
        self._stop()
        self._timer = self.loop.call_later(seconds, self._too_slow, seconds, sentence)

    def _too_slow(self, seconds: float, sentence: str) -> None:
        """Its time begins again as long as the answers before it are not there: nothing is read of it until then."""
        if self.transport.is_closing():
            return
        if self._is_answering():
            self._within(seconds, sentence)
            return
        self._refusal = refusal_at_door("REQUEST_TIMEOUT", sentence)
        self.send_400_response("")

    def _watch_sending(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._send_timer = self.loop.call_later(self.limits.send_seconds, self._cut_off_unless_read, left)

    def _cut_off_unless_read(self, left: int) -> None:
        """Cut off who took nothing of what was left to send."""
        if self.transport.get_write_buffer_size() >= left:
            self.transport.abort()
        else:
            self._watch_sending()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_send_timer(self) -> None:
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None


def protocol_with(limits: HttpLimits, tell: Tell) -> type[Protocol]:
    """The protocol with limits of its own, as uvicorn takes one: a class."""
    return type("LimitedProtocol", (Protocol,), {"limits": limits, "tell": staticmethod(tell)})
