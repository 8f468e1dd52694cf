"""Reads of the ledger copy. Every function takes the caller's connection and never commits."""

from datetime import date, datetime
from typing import Any

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import class_row, dict_row
from pydantic import TypeAdapter

from tools import sql
from tools.errors import NotFound
from tools.ledger.model import Account, PaymentHistory

_SQL = sql.load("tools.ledger")
_ACCOUNT = TypeAdapter(Account)


async def read_account(
    conn: AsyncConnection[Any], *, customer_id: str, today: date, now: datetime
) -> Account:
    """The customer's account as known on `today`. Raises NotFound."""
    asked = await ask_account(conn, customer_id=customer_id, today=today, now=now)
    return await told_account(asked, customer_id=customer_id)


async def ask_account(
    conn: AsyncConnection[Any], *, customer_id: str, today: date, now: datetime
) -> AsyncCursor[Any]:
    """Ask for an account, for `told_account` to read: in a pipeline the questions for many travel together."""
    return await conn.execute(_SQL["account"], {"customer_id": customer_id, "today": today, "now": now})


async def told_account(asked: AsyncCursor[Any], *, customer_id: str) -> Account:
    """The account that was asked for. Raises NotFound."""
    row = await asked.fetchone()
    if row is None:
        raise NotFound("customer", customer_id)
    return _ACCOUNT.validate_json(row[0])


async def lock_customer(conn: AsyncConnection[Any], *, customer_id: str) -> None:
    """Wait for and take the customer's lock until the caller's transaction ends. Raises NotFound."""
    cursor = await conn.execute(_SQL["lock_customer"], {"customer_id": customer_id})
    if await cursor.fetchone() is None:
        raise NotFound("customer", customer_id)


async def remember_portfolio(conn: AsyncConnection[Any], *, today: date) -> PaymentHistory:
    """Compute, keep and give the portfolio's payment history before `today`: the base rate that `read_account` gives."""
    async with conn.cursor(row_factory=class_row(PaymentHistory)) as cursor:
        await cursor.execute(_SQL["remember_portfolio"], {"today": today})
        computed = await cursor.fetchone()
    return computed or PaymentHistory(0, 0, 0, 0, 0)


async def find_customers(
    conn: AsyncConnection[Any], *, text: str | None, today: date, limit: int, offset: int = 0
) -> list[dict[str, Any]]:
    """Customers whose id, name or address contains `text`, most overdue first."""
    like = None if text is None else containing(text)
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            _SQL["find_customers"], {"like": like, "today": today, "limit": limit, "offset": offset}
        )
        return await cursor.fetchall()


def containing(text: str) -> str:
    """The LIKE pattern of whatever contains `text`, its own wildcards taken literally."""
    return "%" + text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
