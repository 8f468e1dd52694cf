"""What a claim costs with a short and with a long queue behind it."""

import statistics
import time
from typing import Any

from psycopg import AsyncConnection

from agent.policy.gate import Gate
from evals.bench import people
from evals.bench.place import Place
from server import db
from tools import sql
from tools.outbox.departures import Move, due, move

_SQL = sql.load("evals.bench.send")
_CUSTOMERS = 5000
_BATCH = 16
_CLAIMS = 60


async def measure_claims(place: Place, *, short: int = 1000, long: int = 1_000_000) -> dict[str, Any]:
    """Milliseconds of a claim of 16 rows (found, locked and moved): the median with each queue, and their ratio."""
    people.settle(place, _CUSTOMERS)
    given = {"now": people.NOW, "policy": "bench", "first": 1, "last": _CUSTOMERS}
    found = {}
    with place.admin() as conn:
        policy = Gate(people.policy()).policy
        conn.execute("INSERT INTO policy_version VALUES ('bench', %s, %s)", [policy.text, people.NOW])
        conn.execute(_SQL["due_messages"], given)
        for rows in (short, long):
            conn.execute(_SQL["drop_backlog"])
            conn.execute(_SQL["backlog"], {"now": people.NOW, "customers": _CUSTOMERS, "rows": rows})
            conn.execute("VACUUM ANALYZE outbox")
            conn.execute("CHECKPOINT")  # what loading still had to write is no part of a claim
            async with db.open_pool(place.conninfo, min_size=1, max_size=1) as pool, pool.connection() as own:
                found[rows] = statistics.median([await _claim(own) for _ in range(_CLAIMS)][_CLAIMS // 6 :])
    return {
        "short": short, "long": long, "short_ms": round(found[short], 2), "long_ms": round(found[long], 2),
        "ratio": round(found[long] / found[short], 2), "batch": _BATCH, "claims": _CLAIMS - _CLAIMS // 6,
    }  # fmt: skip


async def _claim(conn: AsyncConnection[Any]) -> float:
    began = time.perf_counter()
    rows = await due(conn, channel="sms", now=people.NOW, limit=_BATCH)
    moved = await move(conn, [Move(row, "sending", check_at=people.NOW) for row in rows], now=people.NOW)
    if len(moved) != _BATCH:
        raise RuntimeError("the queue was too short for what is measured")
    return (time.perf_counter() - began) * 1e3
