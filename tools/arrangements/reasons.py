"""Why a person moved an arrangement on: kept until the customer is erased; the log has a salted digest of it for good."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from tools import sql
from tools.arrangements.machines import Kind
from tools.errors import Conflict
from tools.spec import digest

_SQL = sql.load("tools.arrangements")


def reason_digest(salt: str, reason: str) -> str:
    """What the log has of a reason: once the customer's `salt` is erased, nobody can try out what it was made of."""
    return digest([salt, reason])


async def keep_reason(
    conn: AsyncConnection[Any], *, customer_id: str, kind: Kind, identity: str, step: str, by: str, reason: str,
    now: datetime,
) -> str:  # fmt: skip
    """Keep why `by` made that step, and give the digest for the log. Raises Conflict where there is no such customer."""
    given = {
        "customer_id": customer_id, "kind": kind, "identity": identity, "step": step, "by": by, "reason": reason,
        "now": now,
    }  # fmt: skip
    row = await (await conn.execute(_SQL["add_reason"], given)).fetchone()
    if row is None or row[0] is None:
        raise Conflict(f"Customer {customer_id} is gone.")
    return reason_digest(row[0], reason)
