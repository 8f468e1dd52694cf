"""Vectors for stored messages: all of another model's, or those that are owed, in small steps beside serving."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from agent.deps import Deps
from server.db import Pool
from tools.clock import Clock
from tools.errors import Unavailable
from tools.memory.embeddings import Embedder
from tools.memory.reembed import (
    Unembedded,
    count_to_embed,
    settle_model,
    store_vectors,
    to_embed,
    without_vector,
)

_log = structlog.get_logger()
_BATCH = 200
_ROUNDS = 5  # a row that somebody is writing is passed over; it is free in the next round


@dataclass(frozen=True, slots=True)
class Reembedded:
    """What a run did: vectors made, and messages still without one because they were being written all the time."""

    model_id: str
    dimensions: int
    messages: int
    embedded: int
    left: int


async def reembed(
    pool: Pool,
    embedder: Embedder,
    clock: Clock,
    *,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Reembedded:
    """Embed what has no vector of this model, then make it the installation's model.

    Each step is one short transaction, so a run that was killed goes on where it stopped. Until the end the processes
    that still run with the old model work on, finding by meaning what is not re-embedded yet and by words everything.
    """
    async with pool.connection() as conn:
        left, messages = await count_to_embed(conn, model_id=embedder.model_id)
    total, embedded = left, 0
    for _ in range(_ROUNDS):
        after = 0
        while True:
            async with pool.connection() as conn:
                batch = await to_embed(conn, model_id=embedder.model_id, after=after, limit=_BATCH)
            if not batch:
                break
            embedded += await _embed(pool, embedder, batch)
            after = batch[-1].id
            progress(min(embedded, total), total)
        async with pool.connection() as conn:
            left, messages = await count_to_embed(conn, model_id=embedder.model_id)
        if not left:
            break
    if not left:
        async with pool.connection() as conn:
            await settle_model(conn, embedder, now=clock.now())
    return Reembedded(embedder.model_id, embedder.dimensions, messages, embedded, left)


async def embed_owed(pool: Pool, embedder: Embedder) -> int:
    """Embed the messages that were stored while the endpoint did not answer: how many. Raises Unavailable while it does not."""
    embedded = after = 0
    while True:
        async with pool.connection() as conn:
            batch = await without_vector(conn, after=after, limit=_BATCH)
        if not batch:
            return embedded
        embedded += await _embed(pool, embedder, batch)
        after = batch[-1].id


async def catch_up(deps: Deps) -> None:
    """As `embed_owed`, where silence of the endpoint is nobody's trouble: words find those messages until it answers."""
    try:
        embedded = await embed_owed(deps.pool, deps.embedder)
    except Unavailable as silence:
        _log.warning("embedding_failed", model_id=deps.embedder.model_id, why=str(silence))
        return
    if embedded:
        _log.info("messages_embedded", model_id=deps.embedder.model_id, messages=embedded)


async def _embed(pool: Pool, embedder: Embedder, batch: Sequence[Unembedded]) -> int:
    # No connection is held while the model works.
    vectors = await embedder.embed([message.body for message in batch])
    async with pool.connection() as conn, conn.transaction():
        return await store_vectors(conn, batch, vectors, model_id=embedder.model_id)
