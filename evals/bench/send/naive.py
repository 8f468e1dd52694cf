"""The usual sender: one row under one lock, the call, the outcome, one transaction for all three, and no second look."""

from typing import Any

from psycopg import AsyncConnection

from evals.bench.place import Place
from evals.bench.send.provider import Instant
from server import db
from tools import sql
from tools.channels.base import Outbound
from tools.clock import Clock
from tools.errors import Unavailable

_SQL = sql.load("evals.bench.send")


async def send_all(place: Place, channel: Instant, clock: Clock) -> None:
    """Send every queued message as it was written. The row stays locked, its transaction open, while the provider thinks."""
    async with db.open_pool(place.conninfo, min_size=1, max_size=1) as pool, pool.connection() as conn:
        await conn.set_autocommit(True)
        try:
            while await _send_one(conn, channel, clock):
                pass
        finally:
            await conn.set_autocommit(False)


async def _send_one(conn: AsyncConnection[Any], channel: Instant, clock: Clock) -> bool:
    await conn.execute("BEGIN")
    found = await (await conn.execute(_SQL["next_one"])).fetchone()
    if found is not None:
        identity, address, subject, body = found
        try:
            receipt = await channel.send(
                Outbound(str(identity), "email", address, subject, body, clock.now())
            )
            outcome: dict[str, str | None] = {"state": "sent", "provider_id": receipt.provider_id}
        except Unavailable:
            outcome = {"state": "unknown", "provider_id": None}
        await conn.execute(_SQL["sent_one"], {**outcome, "id": identity, "now": clock.now()})
    await conn.execute("COMMIT")
    return found is not None
