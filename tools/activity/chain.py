"""The activity log: append-only, hash-chained per customer (policy.md 8).

Each entry's hash covers the previous hash and every field of the entry, so a changed, removed or
reordered row breaks the chain at that row. Message bodies enter as salted digests only: erasing
body and salt leaves the chain verifiable.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tools import sql
from tools.spec import canonical

_SQL = sql.load("tools.activity")
GENESIS = "0" * 64
Source = Literal["AI Agent", "Collector", "Customer", "System"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `actor` is a user's name, "agent", "customer" or "system"; `subject` holds no text of a person."""

    actor: str
    source: Source
    action: str
    subject: dict[str, Any] = field(default_factory=dict)
    episode_id: str | None = None
    decision_id: int | None = None


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """The first entry of a customer's chain that does not follow from the one before it."""

    customer_id: str
    seq: int
    why: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found: how many chains and entries it read, and the first broken link of each broken chain."""

    chains: int
    entries: int
    broken: Sequence[BrokenLink]


def link(prev_hash: str, customer_id: str, seq: int, at: datetime, entry: Entry) -> str:
    """SHA-256 over the previous hash and the canonical JSON of every field of this entry."""
    fields = [
        customer_id, seq, at.astimezone(UTC).isoformat(timespec="microseconds"), entry.actor, entry.source,
        entry.action, entry.subject, entry.episode_id, entry.decision_id,
    ]  # fmt: skip
    return hashlib.sha256((prev_hash + canonical(fields)).encode()).hexdigest()


async def append(
    conn: AsyncConnection[Any], *, customer_id: str, at: datetime, entries: Sequence[Entry]
) -> None:
    """Add `entries` to the customer's chain in the caller's transaction, which holds the customer's lock."""
    await append_each(conn, at=at, entries={customer_id: entries})


async def append_each(
    conn: AsyncConnection[Any], *, at: datetime, entries: Mapping[str, Sequence[Entry]]
) -> None:
    """Add to several customers' chains at once, by their ids; the caller's transaction holds all their locks."""
    chains = {customer_id: added for customer_id, added in entries.items() if added}
    if not chains:
        return
    cursor = await conn.execute(_SQL["ends"], {"customer_ids": list(chains)})
    ends = {row[0]: (row[1], row[2]) for row in await cursor.fetchall()}
    rows, heads = [], []
    for customer_id, added in chains.items():
        seq, head = ends.get(customer_id, (0, GENESIS))
        for entry in added:
            seq, prev_hash = seq + 1, head
            head = link(prev_hash, customer_id, seq, at, entry)
            rows.append({
                "customer_id": customer_id, "seq": seq, "actor": entry.actor, "source": entry.source,
                "action": entry.action, "subject": entry.subject, "episode_id": entry.episode_id,
                "decision_id": entry.decision_id, "prev_hash": prev_hash, "hash": head,
            })  # fmt: skip
        heads.append({"customer_id": customer_id, "seq": seq, "hash": head})
    await conn.execute(_SQL["append"], {"at": at, "entries": Jsonb(rows), "heads": Jsonb(heads)})


async def read(conn: AsyncConnection[Any], *, customer_id: str | None = None) -> list[dict[str, Any]]:
    """The log of one customer, or of all, in chain order."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["chain"], {"customer_id": customer_id})
        return await cursor.fetchall()


async def verify(conn: AsyncConnection[Any], *, customer_id: str | None = None) -> Verification:
    """Recompute every chain from its first entry to its recorded head; reads through a server cursor, never all at once."""
    cursor = await conn.execute(_SQL["heads"], {"customer_id": customer_id})
    heads = {row[0]: (row[1], row[2]) for row in await cursor.fetchall()}
    reached: dict[str, tuple[int, str]] = {}
    broken: dict[str, BrokenLink] = {}
    entries = 0
    async with conn.cursor(name="activity_chain", row_factory=dict_row) as rows:
        await rows.execute(_SQL["chain"], {"customer_id": customer_id})
        async for row in rows:
            entries += 1
            owner, seq = row["customer_id"], row["seq"]
            before, head = reached.get(owner, (0, GENESIS))
            entry = Entry(
                row["actor"],
                row["source"],
                row["action"],
                row["subject"],
                row["episode_id"],
                row["decision_id"],
            )
            expected = link(head, owner, seq, row["at"], entry)
            if owner not in broken and seq != before + 1:
                broken[owner] = BrokenLink(owner, before + 1, "an entry is missing")
            elif owner not in broken and (row["prev_hash"], row["hash"]) != (head, expected):
                broken[owner] = BrokenLink(owner, seq, "the entry was changed")
            reached[owner] = (seq, row["hash"])
    for owner in (heads.keys() | reached.keys()) - broken.keys():
        last, recorded = reached.get(owner, (0, GENESIS)), heads.get(owner, (0, GENESIS))
        if last[0] < recorded[0]:
            broken[owner] = BrokenLink(owner, last[0] + 1, "the last entries are missing")
        elif last[0] > recorded[0]:
            broken[owner] = BrokenLink(owner, recorded[0] + 1, "the entry is beyond the recorded end")
        elif last != recorded:
            broken[owner] = BrokenLink(owner, last[0], "it is not the entry that was recorded as the last")
    return Verification(
        len(heads.keys() | reached.keys()), entries, sorted(broken.values(), key=lambda b: b.customer_id)
    )
