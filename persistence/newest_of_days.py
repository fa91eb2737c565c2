"""The newest rows of a range of days, of a table whose lists are newest first.

Neither order's index finds them: one walks past all newer rows, the other sorts all of those days. So each day gives
its newest, from its index (day, created_at, id) alone: so much a day, however many rows there are.
"""

from __future__ import annotations

from dataclasses import dataclass

_HEAD = """
WITH RECURSIVE days (day) AS (
    SELECT max({day}) FROM {table} WHERE {day} BETWEEN {first} AND {last}
    UNION ALL
    SELECT (SELECT max({day}) FROM {table} WHERE {day} < day AND {day} >= {first}) FROM days WHERE day IS NOT NULL
), page AS (
    SELECT newest.id FROM days, LATERAL (SELECT id, created_at FROM {table}"""
_TAIL = """
             ORDER BY created_at DESC, id DESC LIMIT %(limit)s::int + %(skip)s::int) newest
     ORDER BY newest.created_at DESC, newest.id DESC LIMIT %(limit)s OFFSET %(skip)s
)
{select} WHERE id IN (SELECT id FROM page) ORDER BY created_at DESC, id DESC
"""


@dataclass(frozen=True, slots=True)
class NewestOfDays:
    """What stands before and after the conditions of one row; `one_day` is one of them."""

    head: str
    tail: str
    one_day: str


def newest_of_days(select: str, *, table: str, day: str, first: str, last: str) -> NewestOfDays:
    """The statement for a date column `day`; `first` and `last` are SQL, NULL where that end is open.

    `select` is what reads whole rows of the table. Its parameters are `limit`, `skip` and what else the caller names.
    """
    head = _HEAD.format(
        table=table, day=day, first=f"coalesce({first}, '-infinity')", last=f"coalesce({last}, 'infinity')"
    )
    return NewestOfDays(head=head, tail=_TAIL.format(select=select), one_day=f"{day} = day")
