"""Vectors: what a turn stores is embedded before its transaction begins; nothing waits for a model while it is open."""

from collections.abc import Sequence

import structlog

from agent.deps import Deps
from agent.engine.deliberation import Deliberation
from tools.errors import Unavailable
from tools.memory.embeddings import Embedded

_log = structlog.get_logger()


async def embed(deps: Deps, texts: Sequence[str]) -> list[Embedded | None]:
    """A vector for each text; none at all when the endpoint does not answer in time, for which no turn fails.

    A message that is stored without one is found by its words, and by its meaning after the next cycle.
    """
    try:
        vectors = await deps.embedder.embed(texts)
    except Unavailable as silence:
        _log.warning("embedding_failed", model_id=deps.embedder.model_id, why=str(silence))
        return [None] * len(texts)
    return [Embedded(vector, deps.embedder.model_id) for vector in vectors]


async def embed_drafts(turn: Deliberation) -> None:
    """Embed the messages that this turn will store, by their action's digest: a later day count changes no meaning."""
    drafts = {
        p.action.digest: p.facts.draft.body
        for p in turn.proposals
        if p.allowed and p.facts.draft is not None and p.action.digest not in turn.vectors
    }
    if drafts:
        vectors = await embed(turn.deps, list(drafts.values()))
        turn.vectors.update(zip(drafts, vectors, strict=True))
