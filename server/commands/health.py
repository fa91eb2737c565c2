"""`health`: ask a running server whether it is ready; for container health checks."""

from __future__ import annotations

import argparse
import sys
from http.client import HTTPConnection, HTTPException

from server.ports import host_and_port
from server.settings import Settings

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser("health", help="ask the server at ACERTO_HTTP_ADDRESS whether it is ready")
    verb.set_defaults(run=run)


async def run(_: argparse.Namespace, settings: Settings) -> int:
    """Answers 0 when it is ready, 1 when not, and says what it said."""
    host, port = host_and_port(settings.http_address)
    connection = HTTPConnection(_ANYWHERE.get(host, host), port, timeout=3)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        said, status = answer.read().decode(), answer.status
    except (OSError, HTTPException) as error:
        said, status = f"no answer from {settings.http_address}: {type(error).__name__}", 0
    finally:
        connection.close()
    sys.stdout.write(f"{said}\n")
    return 0 if status == 200 else 1
