"""Virtual hosts of our own on a broker that may be shared: the one isolation that covers the fixed names too."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import httpx
import psutil

from tests.support.rabbitmq import Broker, NotHere, log_in

_PREFIX = "acerto-test-"
"""Before the id of the process that made it."""
_BATCH = 8  # made by one command: rabbitmqctl takes 0.3 s, whether for one or for all of these

Change = Callable[[Sequence[str], bool], None]
"""Makes the named hosts (True) or removes them (False)."""


class VirtualHosts:
    """Gives each test a virtual host of its own; all are dropped at the end.

    Raises RuntimeError when the broker lets us make none: tests that share one disturb each other.
    """

    def __init__(self, home: Broker) -> None:
        self._home = home
        self._user = urlsplit(home.url).username or "guest"
        self._made: list[str] = []
        self._unused: list[str] = []
        self._change = self._chosen_way()
        self._drop_left_behind()

    def fresh(self) -> str:
        """The URL of an empty virtual host."""
        if not self._unused:
            self._unused = self._make(self._change)
        return self._url(self._unused.pop())

    def close(self) -> None:
        if self._made:
            self._change(self._made, False)
            self._made, self._unused = [], []

    def _chosen_way(self) -> Change:
        reasons = []
        for way in (self._by_command, self._by_management):
            try:
                self._unused = self._make(way)
                asyncio.run(log_in(self._url(self._unused[0])))  # it may have been another broker's
            except (NotHere, subprocess.SubprocessError, httpx.HTTPError) as failure:
                reasons.append(repr(failure))
                self._made, self._unused = [], []
            else:
                return way
        raise RuntimeError(
            f"The broker {self._home.origin} lets us make no virtual hosts, neither by rabbitmqctl nor by its "
            f"management plugin, and tests need their own: {'; '.join(reasons)}"
        )

    def _make(self, change: Change) -> list[str]:
        names = [f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}" for _ in range(_BATCH)]
        change(names, True)
        self._made += names
        return names

    def _drop_left_behind(self) -> None:
        """Remove what runs that were killed could not: a broker with hundreds of hosts hangs when it makes another."""
        if self._home.control is None or self._change != self._by_command:
            return
        hosts = [name for name in self._home.control(["list_vhosts"]).split() if name.startswith(_PREFIX)]
        dead = [name for name in hosts if not psutil.pid_exists(int(name.removeprefix(_PREFIX).split("-")[0]))]
        for start in range(0, len(dead), _BATCH):
            self._change(dead[start : start + _BATCH], False)

    def _by_command(self, names: Sequence[str], wanted: bool) -> None:
        if self._home.control is None:
            raise NotHere("no rabbitmqctl for this broker")
        hosts = ", ".join(f'<<"{name}">>' for name in names)
        user, everything, actor = f'<<"{self._user}">>', '<<".*">>', '<<"acerto-test">>'
        made = (
            f"rabbit_vhost:add(Host, {actor}), rabbit_auth_backend_internal:set_permissions("
            f"{user}, Host, {everything}, {everything}, {everything}, {actor})"
        )
        change = made if wanted else f"rabbit_vhost:delete(Host, {actor})"
        self._home.control(["eval", f"[begin {change} end || Host <- [{hosts}]], ok."])

    def _by_management(self, names: Sequence[str], wanted: bool) -> None:
        parts = urlsplit(self._home.url)
        base, login = f"http://{parts.hostname}:15672/api", (self._user, parts.password or "guest")
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        with httpx.Client(base_url=base, auth=login, timeout=5.0) as client:
            for name in names:
                if not wanted:
                    client.delete(f"/vhosts/{name}").raise_for_status()
                    continue
                client.put(f"/vhosts/{name}").raise_for_status()
                client.put(f"/permissions/{name}/{self._user}", json=everything).raise_for_status()

    def _url(self, name: str) -> str:
        return urlsplit(self._home.url)._replace(path=f"/{name}").geturl()
