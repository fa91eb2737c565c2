"""The one entry point: `python -m server VERB`. An error that was foreseen is one line, and exit status 1."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import psycopg
import uvloop

from domain.errors import DomainError
from messaging.broker import BrokerLost, TopologyConflict
from persistence.embedded import EmbeddedPostgresError
from server import logs
from server.access.development import InsecureIdentity
from server.commands import (
    database,
    dlq,
    health,
    load,
    notices,
    outbox,
    reconcile,
    sample,
    sandbox,
    serve,
    timeline,
    topology,
)
from server.failpoints import BadFailpoint
from server.lifespan import PartFailed
from server.ports import AddressInUse
from server.rpc.methods import ContractError
from server.settings import SettingsError
from server.settings import load as load_settings
from server.wiring import NotMigrated

VERBS = (serve, database, load, topology, outbox, dlq, timeline, notices, reconcile, sandbox, health)

FORESEEN = (
    AddressInUse,
    BadFailpoint,
    BrokerLost,
    ContractError,
    DomainError,
    EmbeddedPostgresError,
    InsecureIdentity,
    NotMigrated,
    SettingsError,
    TopologyConflict,
    psycopg.OperationalError,
    sample.SagaStuck,
)
"""What an operator can mend: told in one line, without a traceback."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one verb; answers the exit status."""
    arguments = _parser().parse_args(words)
    try:
        settings = load_settings()
        logs.configure(form=settings.log_format, level=settings.log_level, stream=sys.stderr)
        status: int = uvloop.run(arguments.run(arguments, settings))
    except FORESEEN as error:
        return _refused(error)
    except PartFailed as failure:
        if isinstance(failure.__cause__, FORESEEN):
            return _refused(failure.__cause__)
        raise
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m server", description="Acerto settles accounts.")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in VERBS:
        verb.add(verbs)
    return parser


def _refused(error: BaseException) -> int:
    sys.stderr.write(f"acerto: {error}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
