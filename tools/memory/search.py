"""Search: one customer's messages by meaning and by words. Exact, over the whole history; the caller's connection."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import class_row

from tools import sql
from tools.memory.embeddings import Embedded, literal

_SQL = sql.load("tools.memory")
_POOL = 60  # how deep both lists are read: more than any prompt holds, also when many say the same
_LETTERS = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True, slots=True)
class Hit:
    """An earlier message that a search found."""

    id: int
    at: datetime
    direction: Literal["in", "out"]
    body: str


async def nearest(
    conn: AsyncConnection[Any],
    *,
    customer_id: str,
    query: Embedded,
    limit: int = 10,
    before: int | None = None,
) -> list[tuple[int, float]]:
    """Ids and cosine distances of the messages nearest to `query`, of all that the customer has (before `before`)."""
    cursor = await conn.execute(
        _SQL["nearest"],
        {
            "customer_id": customer_id, "embedding": literal(query.vector), "model": query.model_id, "limit": limit,
            "before": before,
        },
    )  # fmt: skip
    return await cursor.fetchall()


async def search(
    conn: AsyncConnection[Any],
    *,
    customer_id: str,
    text: str,
    query: Embedded | None,
    language: str = "en",
    limit: int = 10,
    before: int | None = None,
    without: Sequence[int] = (),
) -> list[Hit]:
    """The customer's messages that fit `text` best, best first, each wording once, but for `without` and what never left.

    `query` is the vector of `text`; without one, or where messages have none of its model, words alone decide.
    """
    given = {
        "customer_id": customer_id, "text": text, "before": before, "without": list(without), "limit": 2 * _POOL,
        "embedding": literal(query.vector) if query else None, "model": query.model_id if query else None,
        "dictionary": "spanish_stem" if language.lower().startswith("es") else "english_stem", "pool": _POOL,
    }  # fmt: skip
    async with conn.cursor(row_factory=class_row(Hit)) as cursor:
        await cursor.execute(_SQL["search"], given)
        return _distinct(await cursor.fetchall())[:limit]


def _distinct(hits: Sequence[Hit]) -> list[Hit]:
    """Of messages that say the same but for figures, the best placed one: reminders are many and tell one thing."""
    first: dict[str, Hit] = {}
    for hit in hits:
        first.setdefault(" ".join(_LETTERS.findall(hit.body.casefold())) or hit.body, hit)
    return list(first.values())
