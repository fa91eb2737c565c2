"""Rules of the saga, broken one at a time in a copy of the domain: the saga machine must see each of them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.environment import ROOT, clean_env


@dataclass(frozen=True)
class Mutation:
    """A rule as it stands in a file of the domain, and as it must not."""

    file: str
    rule: str
    broken: str


MUTATIONS = {
    "a payment is confirmed after its budget was canceled": Mutation(
        "billing/saga.py",
        "owed = budget is not None and budget.approved and budget.total == payment.amount",
        "owed = budget is not None and budget.total == payment.amount",
    ),
    "the tombstone is dropped": Mutation(
        "billing/use_cases/budgets.py",
        "            if saga.work_order.canceled:\n                outcome = Outcome.TOMBSTONED\n            elif",
        "            if",
    ),
    "a pending payment is not canceled with its budget": Mutation(
        "billing/saga.py",
        "            if payment.open:\n                payment.withdraw(CANCELED, at=at)\n            else:\n",
        "            if not payment.open:\n",
    ),
    "a second attempt is opened": Mutation(
        "billing/saga.py",
        '        if busy is not None:\n            raise PaymentAlreadyOpen(metadata={"payment_id": str(busy.id)})\n',
        "",
    ),
    "a refund is asked for by a new key each time": Mutation(
        "billing/use_cases/collecting.py",
        "payment.provider_payment_id, asked.key, asked.amount, whole=asked.whole",
        "payment.provider_payment_id, self.payments.ids.new(), asked.amount, whole=asked.whole",
    ),
    "money that nobody owes is taken for revenue": Mutation(
        "billing/payment.py",
        "        self.giveback = self.surplus = True\n",
        "        self.giveback = True\n",
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_rule_is_seen(name: str, tmp_path: Path) -> None:
    mutation = MUTATIONS[name]
    shutil.copytree(ROOT / "domain", tmp_path / "domain", ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / "domain" / mutation.file
    text = file.read_text(encoding="utf-8")
    assert text.count(mutation.rule) == 1, "the rule is written otherwise now: say it here as it is"
    file.write_text(text.replace(mutation.rule, mutation.broken), encoding="utf-8")
    played = subprocess.run(
        [sys.executable, "-m", "tests.faults.sagas", "--examples", "400", "--steps", "40", "--seed", "2", "--first"],
        env={**clean_env(), "PYTHONPATH": f"{tmp_path}:{ROOT}:{ROOT / 'generated'}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )
    assert played.returncode == 1, played.stdout + played.stderr
    assert "breaks something" in played.stdout
