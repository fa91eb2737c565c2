"""What a connection of ours is, beyond the driver's: it remembers what its server has prepared."""

from __future__ import annotations

from typing import Any

import orjson
from psycopg import AsyncConnection, OperationalError, errors
from psycopg.errors import error_from_result
from psycopg.generators import execute
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool

set_json_loads(orjson.loads)

OUTDATED = (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement, errors.FeatureNotSupported)
"""What the server says when its prepared statements are not those that we remember: after DEALLOCATE ALL, behind a
pooler, and (0A000, "cached plan must not change result type") when a table has another shape now."""


class Outdated(OperationalError):
    """The server's prepared statements are not those that the connection knew; it is closed. Nothing was committed."""


class Connection(AsyncConnection[Any]):
    """A connection that knows the statements that `round_trip` had its server prepare."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prepared: set[bytes] = set()

    async def rollback(self) -> None:
        """Without psycopg's DEALLOCATE ALL: no transaction here changes the schema, and what is prepared can stay."""
        if self.closed or self.pgconn.transaction_status == TransactionStatus.IDLE:
            return
        self.pgconn.send_query(b"ROLLBACK")
        (result,) = await self.wait(execute(self.pgconn))
        if result.status != ExecStatus.COMMAND_OK:
            raise error_from_result(result)


Pool = AsyncConnectionPool[Connection]
