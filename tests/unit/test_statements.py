"""Rows as the one parameter of a multi-row statement: every value in a form that PostgreSQL reads, or a refusal."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from persistence.statements import rows_of

AN_ID = UUID("0190aaaa-0000-7000-8000-000000000000")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (AN_ID, str(AN_ID)),
        (datetime(2026, 3, 31, 23, 59, 59, 123456, tzinfo=UTC), "2026-03-31T23:59:59.123456+00:00"),
        (date(2026, 3, 31), "2026-03-31"),
        (b"\x00\xff", "\\x00ff"),
        ('ação\n"\U0001f697', 'ação\n"\U0001f697'),
        (10**15, 10**15),
        (None, None),
        (True, True),
        ({"lines": [{"cents": 1}, ("a", None)]}, {"lines": [{"cents": 1}, ["a", None]]}),
    ],
)
def test_a_value_is_written_as_the_server_reads_it(value: object, expected: object) -> None:
    assert json.loads(rows_of([{"value": value}, {"value": None}])) == [{"value": expected}, {"value": None}]


@pytest.mark.parametrize("value", [Decimal("1.10"), {"a"}, object(), "\ud800", 2**70, {1: "a"}])
def test_what_has_no_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        rows_of([{"value": value}])
