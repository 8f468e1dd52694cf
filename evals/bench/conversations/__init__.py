"""Customers with long and short conversations: what a search is measured on, in our table and in the store's."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import ClientCursor

from evals.bench.people import NOW
from evals.bench.place import Place
from evals.memory.planted import talk
from tools import sql
from tools.memory.embeddings import LocalEmbedder, embed_locally, literal

_SQL = sql.load("evals.bench.conversations")
_BATCH = 5000  # texts that are embedded at a time
_SHARE = (
    0.25,
    0.15,
)  # of all messages, with the customers of the longest and of the next shorter conversations


@dataclass(frozen=True, slots=True)
class Conversations:
    """What was stored: who has how many messages, and the vector of every one, by the id of its message."""

    customers: Mapping[int, Sequence[str]]
    messages: Mapping[str, Sequence[int]]
    rows: Mapping[int, int]
    vectors: NDArray[np.float32]

    def distances(self, customer: str, query: Sequence[float]) -> dict[int, float]:
        """The cosine distance of each of the customer's messages, exactly; in half precision, as vectors are kept."""
        asked = np.asarray(query, dtype=np.float16).astype(np.float32)
        mine = self.vectors[[self.rows[message] for message in self.messages[customer]]]
        far = 1 - mine @ asked / (np.linalg.norm(mine, axis=1) * np.linalg.norm(asked))
        return dict(zip(self.messages[customer], far.tolist(), strict=True))


def load(place: Place, messages: int, lengths: Sequence[int], *, seed: int = 11) -> Conversations:
    """Store that many messages of customers with conversations of these lengths, as they arrive: everybody's in turn."""
    rnd = random.Random(seed)
    customers = _customers(messages, sorted(lengths))
    owners = [customer for length, of in customers.items() for customer in of for _ in range(length)]
    rnd.shuffle(owners)
    said = [talk(rnd) for _ in owners]
    vectors = np.concatenate([
        np.asarray(embed_locally([body for _, body in said[first : first + _BATCH]]), dtype=np.float32)
        for first in range(0, len(said), _BATCH)
    ]).astype(np.float16).astype(np.float32)  # fmt: skip
    with place.admin() as conn:
        conn.execute("SET synchronous_commit = off")
        conn.execute(_SQL["customers"], {"now": NOW, "ids": [c for of in customers.values() for c in of]})
        with conn.cursor().copy(_SQL["messages"]) as copy:
            for n, (customer, (direction, body), vector) in enumerate(
                zip(owners, said, vectors, strict=True)
            ):
                copy.write_row(
                    (
                        customer,
                        direction,
                        "email",
                        body,
                        "",
                        str(n),
                        NOW,
                        NOW,
                        literal(vector.tolist()),
                        LocalEmbedder().model_id,
                    )
                )
        ids = [row[1] for row in conn.execute(_SQL["ids"])]
        conn.execute("VACUUM ANALYZE")
    theirs: dict[str, list[int]] = {}
    for message, owner in zip(ids, owners, strict=True):
        theirs.setdefault(owner, []).append(message)
    return Conversations(customers, theirs, {message: row for row, message in enumerate(ids)}, vectors)


def _customers(messages: int, lengths: Sequence[int]) -> dict[int, list[str]]:
    """Who has conversations of which length: a quarter of the messages in the longest, most in the shortest."""
    found: dict[int, list[str]] = {}
    left = messages
    for length, share in zip(reversed(lengths[1:]), _SHARE, strict=False):
        found[length] = [f"c{length}-{n}" for n in range(max(1, int(messages * share) // length))]
        left -= length * len(found[length])
    found[lengths[0]] = [f"c{lengths[0]}-{n}" for n in range(left // lengths[0])]
    return found


def copy_to_store(place: Place) -> None:
    """Fill the store's tables, which are set up and empty, from ours, and build its index again as it was declared.

    One by one through the store's own calls this takes ten minutes; an index built in one go answers no worse.
    """
    with place.admin() as conn:
        row: Any = conn.execute(_SQL["index"]).fetchone()
        ClientCursor(conn).execute(_SQL["remember"])
        conn.execute(row[0])
        conn.execute("VACUUM ANALYZE")
