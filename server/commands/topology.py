"""`topology plan|apply|verify`: exchanges, queues and bindings on the broker."""

from __future__ import annotations

import argparse
import sys

from server.settings import Settings
from server.wiring import built


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser("topology", help="exchanges, queues and bindings on the broker")
    verb.add_argument("act", choices=("plan", "apply", "verify"))
    verb.set_defaults(run=run)


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show what is there, make what is missing, or check; answers 1 when the plan has a conflict.

    Raises TopologyConflict, BrokerLost.
    """
    async with built(settings) as house:
        if arguments.act == "verify":
            await house.broker.verify(house.topology)
            sys.stdout.write("all there\n")
            return 0
        act = house.broker.plan if arguments.act == "plan" else house.broker.apply
        findings = await act(house.topology)
    for finding in findings:
        sys.stdout.write(f"{finding.state:<9} {finding.what}{f'  ({finding.detail})' if finding.detail else ''}\n")
    return int(any(finding.state == "conflict" for finding in findings))
