"""docs/loading.md is run as it is written, and `load` ends as it says, whatever the file is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistence.loading.kinds import KINDS
from tests.support.environment import ROOT, clean_env
from tests.support.fleet import Fleet, variables
from tests.support.ledger import rows

PAGE = (ROOT / "docs" / "loading.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COUNTS = "SELECT (SELECT count(*) FROM insurers), (SELECT count(*) FROM tuss_terms)"


@pytest.fixture
def fleet(folder: Path, database_url: str) -> Iterator[Fleet]:
    with Fleet(folder, database_url=database_url, env="test") as started:
        yield started


def test_every_line_of_the_page_about_loading_does_what_it_says(fleet: Fleet, tmp_path: Path) -> None:
    blocks = _BLOCK.findall(PAGE)
    assert len(blocks) == 3
    path = {"FOLDER": str(tmp_path), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    told = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        env=clean_env() | variables(fleet.settings) | path,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, f"{told.stdout}\n{told.stderr}"
    assert "tuss tabela.csv: 2 new, 0 changed, 0 as they were" in told.stdout
    assert "line 2: price: must be an amount" in told.stderr
    assert rows(fleet.database_url, _COUNTS) == [(1, 2)]
    noted = rows(fleet.database_url, "SELECT what, reason FROM operator_log ORDER BY id OFFSET 1 LIMIT 1")
    assert noted == [("load plans plans.csv: 1 new, 0 changed, 0 as they were", "contract of January")]


@pytest.mark.parametrize("name", KINDS)
def test_the_page_names_every_column_and_says_which_may_be_left_out(name: str) -> None:
    section = PAGE.partition(f"### {name}\n")[2].partition("\n##")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| ")][1:]
    named = {column: bool(mark) for cell in cells for mark, column in re.findall(r"(\*?)`([a-z_]+)`", cell)}
    assert named == {column.name: not column.needed for column in KINDS[name].columns}


def test_it_ends_as_the_page_says(fleet: Fleet, tmp_path: Path) -> None:
    sample, latin = ROOT / "server" / "sample", tmp_path / "latin.csv"
    latin.write_bytes(b"insurer_id,name,cnpj\n999991,Conv\xeanio,12ABC34501DE35\n")
    assert fleet.verb("load", "insurers", str(sample / "insurers.csv")).code == 0
    away = fleet.verb("load", "insurers", str(sample / "insurers.csv"), database_url="postgresql://127.0.0.1:1/none")
    assert (away.code, away.out) == (1, "")
    missing = fleet.verb("load", "insurers", str(tmp_path / "missing.csv"))
    assert (missing.code, "missing.csv: No such file or directory" in missing.err) == (1, True)
    unwritable = fleet.verb("load", "insurers", str(latin), "--report", str(tmp_path / "no" / "report.csv"))
    assert (unwritable.code, "report.csv" in unwritable.err) == (1, True)
    assert fleet.verb("load", "cats", str(latin)).code == 2
    assert fleet.verb("load", "tuss", str(sample / "tuss.csv"), "--set", "table").code == 2
    wrong = fleet.verb("load", "insurers", str(latin))
    assert (wrong.code, wrong.out, "line 2 is not UTF-8" in wrong.err) == (3, "", True)
    unknown = fleet.verb("load", "tuss", str(sample / "tuss.csv"), "--set", "colour=red")
    assert (unknown.code, "'colour' is none of the columns" in unknown.err) == (3, True)
    assert rows(fleet.database_url, _COUNTS) == [(2, 0)]


def test_the_screen_shows_the_first_bad_lines_and_the_report_all_of_them(fleet: Fleet, tmp_path: Path) -> None:
    file, report = tmp_path / "bad.csv", tmp_path / "report.csv"
    file.write_text("provider_id,name\n" + "123,x\n" * 500, encoding="utf-8")
    said = fleet.verb("load", "providers", str(file), "--report", str(report))
    assert said.code == 3
    assert said.err.count("line ") == 20
    assert "and 480 more, all of them in" in said.err
    assert said.err.endswith("nothing was loaded\n")
    assert len(report.read_text(encoding="utf-8").splitlines()) == 1 + 500


def test_on_a_terminal_a_bar_shows_how_far_it_is(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "terms.csv"
    lines = [f"22,99{number:06},Sample,2025-01-01\n" for number in range(1500)]
    file.write_text("".join(["table,code,description,valid_from\n", *lines]), encoding="utf-8")
    terminal, other_end = os.openpty()
    loading = subprocess.Popen(
        [sys.executable, "-m", "server", "load", "tuss", str(file)],
        env=clean_env() | variables(fleet.settings),
        cwd=ROOT,
        stderr=other_end,
        stdout=subprocess.DEVNULL,
    )
    assert loading.wait(60) == 0
    shown = os.read(terminal, 100_000).decode()
    os.close(terminal)
    os.close(other_end)
    assert re.findall(r"(\d+) %  line (\d+)", shown) == [("33", "500"), ("66", "1000"), ("99", "1500"), ("100", "1501")]
    assert shown.endswith("\r\033[K")


def test_a_report_never_overwrites_what_is_loaded(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "providers.csv"
    file.write_text("provider_id,name\n9999991,x\n", encoding="utf-8")
    assert fleet.verb("load", "providers", str(file), "--report", str(file)).code == 2
    assert file.read_text(encoding="utf-8").endswith("x\n")


def test_the_sample_is_loaded_once_where_there_is_no_insurer(folder: Path) -> None:
    with Fleet(folder, database_url="", signing_key="") as fleet:
        for _ in range(2):
            (role,) = fleet.started("all")
            role.program.interrupt()
            role.program.wait()
        again = fleet.verb("load", "beneficiaries", str(ROOT / "server" / "sample" / "beneficiaries.csv"))
    assert again.out == "beneficiaries beneficiaries.csv: 0 new, 0 changed, 12 as they were\n"
