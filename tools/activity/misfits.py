"""Misfits: rows that are not what the log says of them. The log itself is proven by `chain.verify`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

from tools import sql
from tools.arrangements.reasons import reason_digest
from tools.spec import Action

_SQL = sql.load("tools.activity")
_MOST = 1000
_FETCH = 5000  # rows at once
_KINDS = ("misfit_decisions", "misfit_messages", "misfit_approvals", "misfit_requests")


@dataclass(frozen=True, slots=True)
class Misfit:
    """One row: `kind` is decision, message, approval, or what kind of arrangement it is."""

    customer_id: str
    kind: str
    id: str
    why: str


async def find_misfits(conn: AsyncConnection[Any], *, customer_id: str | None = None) -> Sequence[Misfit]:
    """Rows that do not fit the log: changed, taken out, or put in beside it; of each kind the first thousand. In a transaction."""
    found: list[Misfit] = []
    for kind in _KINDS:
        async with conn.cursor(row_factory=class_row(Misfit)) as cursor:
            await cursor.execute(_SQL[kind], {"customer_id": customer_id, "limit": _MOST})
            found += await cursor.fetchall()
    return found + await _rewritten(conn, customer_id)


async def _rewritten(conn: AsyncConnection[Any], customer_id: str | None) -> list[Misfit]:
    """What no longer has the digest that it had when it was decided."""
    found: list[Misfit] = []
    async with conn.cursor(name="salted") as rows:
        rows.itersize = _FETCH
        await rows.execute(_SQL["salted"], {"customer_id": customer_id})
        async for owner, kind, identity, tool, content, digest, salt in rows:
            if tool is None:
                is_now, what = reason_digest(salt, content), "its reason was changed"
            else:
                is_now, what = Action(owner, tool, content, salt).digest, "its arguments were changed"
            if is_now != digest and len(found) < _MOST:
                found.append(Misfit(owner, kind, identity, what))
    return found
