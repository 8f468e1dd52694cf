"""What is arranged with a customer, as it stands: to list it, and to look at one before a person moves it on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row

from tools import sql
from tools.arrangements.machines import Kind
from tools.errors import NotFound

_SQL = sql.load("tools.arrangements")


@dataclass(frozen=True, slots=True)
class Standing:
    """One arrangement: whose, in which state, about how much; `by` is who proposed it, where somebody did."""

    customer_id: str
    state: str
    invoice_ids: Sequence[str]
    minor: int
    reason: str | None
    by: str | None
    source: str


async def read_standing(conn: AsyncConnection[Any], *, kind: Kind, identity: str) -> Standing:
    """One arrangement of that kind. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(Standing)) as cursor:
        await cursor.execute(_SQL[f"{kind}_state"], {"identity": identity})
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(kind.replace("_", " "), identity)
    return found


async def list_arrangements(conn: AsyncConnection[Any], *, customer_id: str) -> list[dict[str, Any]]:
    """Everything that was ever arranged with a customer, newest first."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["arrangements"], {"customer_id": customer_id})
        return await cursor.fetchall()
