"""A customer's messages in one statement, with the vectors of the local model or without."""

from collections.abc import Sequence

from tests.world import World
from tools.memory.embeddings import LocalEmbedder, embed_locally, literal

MODEL = LocalEmbedder().model_id


def said(
    world: World, *texts: str, customer: str = "cust-1", direction: str = "in", embedded: bool = True
) -> list[int]:
    """Store these messages, oldest first; their ids."""
    vectors: Sequence[str | None] = (
        [literal(v) for v in embed_locally(texts)] if embedded else [None] * len(texts)
    )
    return world.sql(
        """INSERT INTO message (customer_id, direction, channel, body, body_digest, provider_id, at, handled_at,
                                embedding, embedding_model)
           SELECT %s, %s, 'email', body, '', gen_random_uuid(), %s, %s, vector::vector,
                  CASE WHEN vector IS NOT NULL THEN %s END
             FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS t(body, vector, n) ORDER BY n RETURNING id""",
        customer, direction, world.clock.now(), world.clock.now(), MODEL, list(texts), list(vectors),
    )  # fmt: skip
