"""The history of checks: written in batches, read newest first.

A row that nobody waits for, a cache hit's, is written within 200 ms or at the stop: a crash can lose so much of them.
Whoever waits for a row waits for the batch that is written next, so that many at once cost one commit.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, ClassVar, Final, TypeAlias
from uuid import UUID

from domain.actor import Actor
from domain.clock import Clock
from domain.eligibility.eligibility_check import Answer, EligibilityCheck, Procedure, Question, Source
from domain.eligibility.queries import CheckFilter
from domain.eligibility.reasons import Reason, ReasonCode, Verdict
from domain.errors import DomainError, Unavailable
from domain.meter import Meter
from domain.retry import Conflict
from persistence.engine import Database
from persistence.errors import translated
from persistence.generations import set_within
from persistence.reading import Attribute, Reading
from persistence.round_trip import Asked, Row, round_trip
from persistence.schema import eligibility_checks
from persistence.statements import Statement, insert_many, rows_of

DELAY: Final = 0.2
"""Seconds that a row which nobody waits for may lie here."""
MOST: Final = 10_000
"""Rows that are held while the database is away; the oldest of more are lost, and counted."""
LAST_KNOWN: Final = timedelta(days=365)
"""For how long it is told what an insurer's service said last."""
_BATCH: Final = 500
_LAST: Final = 1.5
"""Seconds for the last rows of a run that was cancelled; the lifespan cancels it once more after two."""
_INSERT: Final = Statement(insert_many(eligibility_checks) + " ON CONFLICT (id) DO NOTHING")
_log = logging.getLogger(__name__)
_NOBODY: Final = Actor(id="system:eligibility")
_CHECKS: Final = "SELECT * FROM eligibility_checks"
_TOLD: Final = (
    "insurer_id = %(insurer_id)s",
    "plan_id = %(plan_id)s",
    "patient_id = %(patient_id)s",
    "card = %(card)s",
    "asked_at >= %(since)s",
    "source = 'INSURER'",
    "verdict <> 'UNDETERMINED'",
)

_Waited: TypeAlias = tuple[EligibilityCheck, "asyncio.Future[None]"]
_Row: TypeAlias = _Waited | tuple[EligibilityCheck, None]
"""A check, and what comes true when it is written; None when nobody waits."""


class CheckHistory(Reading):
    """Answers `domain.eligibility.ports.History` and `domain.eligibility.queries.CheckQueries`. `run` writes."""

    limited_by: ClassVar[Attribute | None] = "provider"

    def __init__(self, database: Database, clock: Clock, meter: Meter) -> None:
        super().__init__(database)
        self._database = database
        self._clock = clock
        self._meter = meter
        self._hits: list[EligibilityCheck] = []
        self._waited: list[_Waited] = []
        self._wanted = asyncio.Event()
        self._writing = False

    def add(self, check: EligibilityCheck) -> None:
        """Have it kept soon."""
        self._hits.append(check)
        self._trim()

    async def keep(self, check: EligibilityCheck) -> None:
        """Keep it, and come back when that is certain. Raises Unavailable, also while `run` has not begun."""
        if not self._writing:
            raise Unavailable("checks of eligibility cannot be recorded yet", retry_after=1)
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waited.append((check, written))
        self._wanted.set()
        await written

    async def last_told(self, of: Answer) -> Answer | None:
        """What the insurer's own service said last of this answer's card, asked in the last 365 days."""
        if not of.patient_id:
            return None
        parameters = {
            "insurer_id": of.insurer_id,
            "plan_id": of.plan_id,
            "patient_id": of.patient_id,
            "card": of.card,
            "since": self._clock.now() - LAST_KNOWN,
        }
        tail = " ORDER BY asked_at DESC, id DESC LIMIT 1"
        rows = await self.rows(_NOBODY, _CHECKS, _TOLD, parameters, tail=tail, scoped=False)
        return check_from_row(rows[0]).answer if rows else None

    async def eligibility_checks(
        self, actor: Actor, wanted: CheckFilter, *, after: tuple[datetime, UUID] | None, limit: int, skip: int = 0
    ) -> list[EligibilityCheck]:
        """Up to `limit` checks, newest first, that come after (asked_at, id); `skip` leaves out as many first."""
        given: dict[str, Any] = {
            "patient_id": wanted.patient_id,
            "insurer_id": wanted.insurer_id,
            "provider_id": wanted.provider_id,
            "after": after,
        }
        conditions = _CONDITIONS if actor.providers is None else _CONDITIONS | _OF_LIMITED
        where = [conditions[name] for name, value in given.items() if value is not None]
        after_at, after_id = after or (None, None)
        parameters = given | {"after_at": after_at, "after_id": after_id, "limit": limit, "skip": skip}
        tail = " ORDER BY asked_at DESC, id DESC LIMIT %(limit)s OFFSET %(skip)s"
        rows = await self.rows(actor, _CHECKS, where, parameters, tail=tail)
        return [check_from_row(row).as_seen_by(actor) for row in rows]

    async def run(self, stop: asyncio.Event) -> None:
        """Write until `stop` is set, and then what is left; cancelled, what can be written soon."""
        self._writing = True
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._wanted.set())
        try:
            while not stop.is_set():
                await set_within(self._wanted, DELAY)
                self._wanted.clear()
                await self.flush()
            await self.flush()
        except asyncio.CancelledError:
            # The others took all the time there was for the stop.
            with suppress(TimeoutError):
                await asyncio.wait_for(self.flush(), _LAST)
            raise
        finally:
            self._writing = False
            stopping.cancel()

    async def flush(self) -> None:
        """Write what is there. While the database is away those who wait are told, and hits are tried again.

        A row that cannot be written for another reason is given up, and harms no other.
        """
        rows: deque[_Row] = deque([*self._waited, *((check, None) for check in self._hits)])
        self._waited, self._hits = [], []
        while rows:
            try:
                await self._write_next(rows, _BATCH)
            except (Unavailable, Conflict) as error:
                _log.warning("checks of eligibility wait for the database", extra={"cause": str(error)})
                self._put_back(rows, error if isinstance(error, Unavailable) else Unavailable(str(error)))
                return
            except asyncio.CancelledError:
                self._put_back(rows, Unavailable("the server stops"))
                raise

    async def _write_next(self, rows: deque[_Row], most: int) -> None:
        """Write the first of the rows; what was written, or never can be, leaves them. Raises Unavailable, Conflict."""
        batch = list(islice(rows, most))
        try:
            await self._write([check for check, _ in batch])
        except (Unavailable, Conflict):
            raise
        except Exception as error:  # noqa: BLE001 -- one by one it is seen which row is to blame
            if len(batch) > 1:
                for _ in batch:
                    await self._write_next(rows, 1)
                return
            self._give_up(batch[0], error)
        for _, written in batch:
            if written is not None and not written.done():
                written.set_result(None)
            rows.popleft()

    def _put_back(self, rows: deque[_Row], error: Unavailable) -> None:
        self._hits[:0] = [check for check, written in rows if written is None]
        self._trim()
        for _, written in rows:
            _fail(written, error)

    def _give_up(self, row: _Row, error: Exception) -> None:
        check, written = row
        self._meter.count("acerto_eligibility_history_lost_total")
        _log.error("the check %s cannot be written", check.id, extra={"cause": type(error).__name__})
        _fail(written, error if isinstance(error, DomainError) else Unavailable("the check cannot be written"))

    def _trim(self) -> None:
        """Lose the oldest of too many rows that nobody waits for."""
        if (many := len(self._hits) - MOST) > 0:
            self._meter.count("acerto_eligibility_history_lost_total", many)
            del self._hits[:many]

    async def _write(self, checks: list[EligibilityCheck]) -> None:
        rows = f"[{','.join(map(_in_json, checks))}]"
        with translated():
            async with self._database.writes.connection() as connection:
                await round_trip(connection, [Asked(_INSERT, (rows,))], commit=True)


def _fail(written: asyncio.Future[None] | None, error: Exception) -> None:
    if written is not None and not written.done():
        written.set_exception(error)
        written.exception()  # whoever waited may have left


_CONDITIONS: Final = {
    "patient_id": "patient_id = %(patient_id)s",
    "insurer_id": "insurer_id = %(insurer_id)s",
    "provider_id": "provider_id = %(provider_id)s",
    "after": "(asked_at, id) < (%(after_at)s, %(after_id)s)",
}


_OF_LIMITED: Final = {"patient_id": "asked_patient_id = %(patient_id)s"}


def _in_json(check: EligibilityCheck) -> str:
    """The row of a check; what it shares with all that have its question and answer is written once."""
    own = f'{{"id":"{check.id}","asked_at":"{check.asked_at.isoformat()}","actor":{_quoted(check.actor)},"from_cache":'
    return f"{own}{'true' if check.from_cache else 'false'},{_shared(check.question, check.answer)}"


_quoted = lru_cache(1024)(json.dumps)


@lru_cache(4096)
def _shared(asked: Question, answer: Answer) -> str:
    # A row of one in brackets, without them and its opening brace.
    return rows_of([_shared_row(asked, answer)])[2:-1].decode()


def _shared_row(asked: Question, answer: Answer) -> Row:
    return {
        "provider_id": asked.provider_id or None,
        "insurer_id": answer.insurer_id,
        "plan_id": answer.plan_id,
        "patient_id": answer.patient_id,
        "asked_patient_id": asked.patient_id,
        "card": answer.card,
        "service_date": asked.service_date,
        "procedures": [[each.table, each.code, each.quantity] for each in asked.procedures],
        "urgent": asked.urgent,
        "verdict": answer.verdict.value,
        "reasons": [[reason.code.value, reason.message] for reason in answer.reasons],
        "checked_at": answer.checked_at,
        "expires_at": answer.expires_at,
        "source": answer.source.value,
        "last_known": answer.last_known.value if answer.last_known else "",
        "last_known_at": answer.last_known_at,
    }


def check_from_row(row: Mapping[str, Any]) -> EligibilityCheck:
    """The check of a row; the card's number is not in it."""
    question = Question(
        service_date=row["service_date"],
        insurer_id=row["insurer_id"],
        plan_id=row["plan_id"],
        patient_id=row["asked_patient_id"] or "",
        provider_id=row["provider_id"] or "",
        procedures=tuple(Procedure(*each) for each in row["procedures"]),
        urgent=row["urgent"],
    )
    answer = Answer(
        verdict=Verdict(row["verdict"]),
        reasons=tuple(Reason(ReasonCode(code), message) for code, message in row["reasons"]),
        checked_at=row["checked_at"],
        expires_at=row["expires_at"],
        source=Source(row["source"]),
        insurer_id=row["insurer_id"],
        plan_id=row["plan_id"],
        patient_id=row["patient_id"],
        card=row["card"],
        last_known=Verdict(row["last_known"]) if row["last_known"] else None,
        last_known_at=row["last_known_at"],
    )
    return EligibilityCheck(
        id=row["id"],
        asked_at=row["asked_at"],
        actor=row["actor"],
        question=question,
        answer=answer,
        from_cache=row["from_cache"],
    )
