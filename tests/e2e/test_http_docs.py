"""docs/http.md is run as it is written: every block of it, in one shell, against a started server."""

from __future__ import annotations

import re
import subprocess

from tests.e2e.conftest import House
from tests.support.environment import ROOT, clean_env

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_line_of_the_page_for_http_clients_does_what_it_says(rabbit_house: House) -> None:
    blocks = _BLOCK.findall((ROOT / "docs" / "http.md").read_text(encoding="utf-8"))
    assert len(blocks) > 5
    script = "\necho\n".join(f"{block}" for block in blocks)

    told = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=clean_env() | {"ACERTO": f"http://127.0.0.1:{rabbit_house.api.http_port}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert told.returncode == 0, f"{told.stdout[-2000:]}\n{told.stderr[-2000:]}"
    assert '"status":"BUDGET_STATUS_APPROVED"' in told.stdout
    assert '"status":"PAYMENT_STATUS_CREATED"' in told.stdout
    assert '"reason":"DEADLINE_EXCEEDED"' in told.stdout
