"""Which model made the stored vectors, and how all of them come to be of another one. The caller's connection."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

from tools import sql
from tools.errors import Misconfigured
from tools.memory.embeddings import Embedder, Vector, literal

_SQL = sql.load("tools.memory")
COMMAND = "dunwell memory reembed"


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A message that has no vector of the wanted model."""

    id: int
    body: str
    body_digest: str


async def assert_same_model(conn: AsyncConnection[Any], embedder: Embedder, *, now: datetime) -> None:
    """Raises Misconfigured, naming the command that helps, when the stored vectors are another model's.

    An installation that has no vectors yet takes this embedder for its own.
    """
    found = await (await conn.execute(_SQL["current_model"])).fetchone()
    if found == (embedder.model_id, embedder.dimensions):
        return
    if found is not None and (await (await conn.execute(_SQL["any_embedded"])).fetchone()) == (True,):
        raise Misconfigured(
            f"The stored messages are embedded with {found[0]} ({found[1]} dimensions), and the settings name "
            f"{embedder.model_id} ({embedder.dimensions}): run `{COMMAND}`, or set DUNWELL_EMBEDDINGS as it was."
        )
    await settle_model(conn, embedder, now=now)


async def settle_model(conn: AsyncConnection[Any], embedder: Embedder, *, now: datetime) -> None:
    """From now on this installation's vectors are this embedder's."""
    given = {"model": embedder.model_id, "dimensions": embedder.dimensions, "now": now}
    await conn.execute(_SQL["set_model"], given)


async def count_to_embed(conn: AsyncConnection[Any], *, model_id: str) -> tuple[int, int]:
    """How many messages lack a vector of that model, and how many there are with a text."""
    cursor = await conn.execute(_SQL["count_to_embed"], {"model": model_id})
    return await cursor.fetchone() or (0, 0)


async def without_vector(conn: AsyncConnection[Any], *, after: int, limit: int) -> list[Unembedded]:
    """The next messages above id `after` that have no vector at all: the endpoint was down when they were stored."""
    async with conn.cursor(row_factory=class_row(Unembedded)) as cursor:
        await cursor.execute(_SQL["without_vector"], {"after": after, "limit": limit})
        return await cursor.fetchall()


async def to_embed(conn: AsyncConnection[Any], *, model_id: str, after: int, limit: int) -> list[Unembedded]:
    """The next messages above id `after` that lack a vector of that model."""
    async with conn.cursor(row_factory=class_row(Unembedded)) as cursor:
        await cursor.execute(_SQL["to_embed"], {"model": model_id, "after": after, "limit": limit})
        return await cursor.fetchall()


async def store_vectors(
    conn: AsyncConnection[Any], messages: Sequence[Unembedded], vectors: Sequence[Vector], *, model_id: str
) -> int:
    """Give the messages their vectors: how many took one. A text that changed or is being written does not."""
    given = {
        "ids": [m.id for m in messages], "digests": [m.body_digest for m in messages],
        "vectors": [literal(v) for v in vectors], "model": model_id,
    }  # fmt: skip
    return (await conn.execute(_SQL["embed"], given)).rowcount
