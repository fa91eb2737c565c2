"""Pages of a million claims: the last one asked for as the first, of all of them and of what each filter leaves."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import grpc
from google.type.date_pb2 import Date
from psycopg import sql

from acerto.claims.v1 import claim_pb2
from acerto.claims.v1 import claim_service_pb2 as pb
from acerto.claims.v1.claim_service_pb2_grpc import ClaimServiceStub
from persistence.connection import Connection
from server.rpc.page_tokens import PageTokens
from server.rpc.paging import BY_TIME
from tests.bench import many_claims, seed
from tests.bench.pairs import Measure, in_turn
from tests.bench.report import Line, Section, at_most, fact
from tests.bench.services import Services
from tests.support.fleet import SIGNING_KEY, Fleet

PAGE: Final = 50
CALLS: Final = 40
HOW: Final = (
    f"{many_claims.ROWS:,} claims of three years, {many_claims.PATIENTS:,} patients and {many_claims.INSURERS} "
    f"insurers; ListClaims by gRPC at the `api` role, {PAGE} a page, {CALLS} calls one after the other: of the first "
    "page, and of the last full one, by a token made as the server makes them. Time is the median call's. Insurer and "
    "status asks for SETTLED, which none of the newest are; the month of service is the 4th of the 36."
)
_JUNE, _MONTH = Date(year=2023, month=6, day=1), Date(year=2023, month=6, day=30)
_SETTLED, _DENIED = claim_pb2.CLAIM_STATUS_SETTLED, claim_pb2.CLAIM_OUTCOME_DENIED


@dataclass(frozen=True, slots=True)
class Listed:
    """What is asked for, and the same as SQL: with it the last page is found."""

    request: pb.ListClaimsRequest
    where: str = "true"


FILTERS: Final[Mapping[str, Listed]] = {
    "all": Listed(pb.ListClaimsRequest()),
    "a patient": Listed(pb.ListClaimsRequest(patient_id="patient-7"), "patient_id = 'patient-7'"),
    "insurer and status": Listed(
        pb.ListClaimsRequest(insurer_id="insurer-3", status=_SETTLED), "insurer_id = 'insurer-3' AND status = 'SETTLED'"
    ),
    "an outcome": Listed(pb.ListClaimsRequest(outcome=_DENIED), "outcome = 'DENIED'"),
    "a month of service": Listed(
        pb.ListClaimsRequest(service_date_from=_JUNE, service_date_until=_MONTH),
        "service_date BETWEEN '2023-06-01' AND '2023-06-30'",
    ),
}


async def measure(services: Services, rounds: int) -> Section:
    """Each filter's last page against its first."""
    with services.database() as database, Fleet(services.folder / "pages", database_url=database) as fleet:
        async with seed.house(database) as made, made.database.connection("bench", autocommit=True) as connection:
            await many_claims.fill(connection)
            tokens = {name: await _last_page(connection, listed) for name, listed in FILTERS.items()}
        (role,) = await fleet.running("api")
        async with grpc.aio.insecure_channel(f"127.0.0.1:{role.grpc_port}") as channel:
            stub: Any = ClaimServiceStub(channel)
            lines: list[Line] = []
            for name, listed in FILTERS.items():
                sides = {"first": _pages(stub, listed, ""), "last": _pages(stub, listed, tokens[name])}
                taken = await in_turn(sides, rounds=rounds)
                first, last = taken.median("first"), taken.median("last")
                low, high = taken.spread("last", "first")
                told = f"{last:.1f} ms against {first:.1f} ms, rounds {low:.2f} to {high:.2f}"
                lines.append(at_most(f"ListClaims, {name}: last page / first", taken.ratio("last", "first"), 1.3, told))
                lines.append(fact(f"ListClaims, {name}: first page", first, "", unit="ms"))
    return Section("Pages", HOW, lines)


async def _last_page(connection: Connection, listed: Listed) -> str:
    """The token after which exactly one page is left."""
    query = sql.SQL("SELECT created_at, id FROM claims WHERE {} ORDER BY created_at, id LIMIT 1 OFFSET {}")
    cursor = await connection.execute(query.format(sql.SQL(listed.where), PAGE))
    place = await cursor.fetchone()
    if place is None:
        raise AssertionError(f"there is no second page of {listed.where}")
    return PageTokens(SIGNING_KEY.encode()).make(listed.request, BY_TIME.write(place))


def _pages(stub: Any, listed: Listed, token: str) -> Measure:
    request = pb.ListClaimsRequest(page_size=PAGE, page_token=token)
    request.MergeFrom(listed.request)

    async def took() -> float:
        """Milliseconds of the median call."""
        calls = []
        for _ in range(CALLS):
            began = time.perf_counter()
            answer = await stub.ListClaims(request)
            calls.append((time.perf_counter() - began) * 1000)
            if len(answer.claims) != PAGE or bool(answer.next_page_token) is bool(token):
                raise AssertionError(f"not the page that was meant: {len(answer.claims)} of {request}")
        return median(calls)

    return took
