"""The activity log: append-only, hash-chained per customer (policy.md 8).

Each entry's hash covers the previous hash and every field of the entry, so a changed, removed or
reordered row breaks the chain at that row. Message bodies enter as salted digests only: erasing
body and salt leaves the chain verifiable.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
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
_FETCH = 5000  # rows at once
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
    fields = [entry.actor, entry.source, entry.action, entry.subject, entry.episode_id, entry.decision_id]
    return _hash(prev_hash, customer_id, seq, at, fields)


def _hash(prev_hash: str, customer_id: str, seq: int, at: datetime, fields: Sequence[Any]) -> str:
    hashed = canonical([customer_id, seq, instant(at), *fields])
    return hashlib.sha256((prev_hash + hashed).encode()).hexdigest()


def instant(at: datetime) -> str:
    """An instant as it is hashed: in UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


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


async def read(
    conn: AsyncConnection[Any], *, customer_id: str | None = None, since: datetime | None = None
) -> AsyncIterator[dict[str, Any]]:
    """The log of one customer, or of all, in chain order, from an instant on. In a transaction; never all of it at once."""
    async with conn.cursor(name="activity_read", row_factory=dict_row) as rows:
        rows.itersize = _FETCH
        await rows.execute(_SQL["chain"], {"customer_id": customer_id, "since": since})
        async for row in rows:
            yield row


async def verify(conn: AsyncConnection[Any], *, customer_id: str | None = None) -> Verification:
    """Recompute every chain from its first entry to its recorded end, past every end that an anchor has of it.

    The caller's transaction is one that sees a single moment (repeatable read), or entries that are added meanwhile
    look like a break. Reads through a server cursor, never all at once.
    """
    given = {"customer_id": customer_id}
    cursor = await conn.execute(_SQL["heads"], given)
    heads = {row[0]: (row[1], row[2]) for row in await cursor.fetchall()}
    anchored = dict(await (await conn.execute(_SQL["anchored_ends"], given)).fetchall())
    reached: dict[str, tuple[int, str]] = {}
    broken: dict[str, BrokenLink] = {}
    entries = 0
    async with conn.cursor(name="activity_chain") as rows:
        rows.itersize = _FETCH
        await rows.execute(_SQL["chain_with_anchors"], given)
        async for owner, seq, at, *fields, prev_hash, found, anchor in rows:
            entries += 1
            before, head = reached.get(owner, (0, GENESIS))
            if owner not in broken:
                why = None
                if seq != before + 1:
                    broken[owner] = BrokenLink(owner, before + 1, "an entry is missing")
                elif prev_hash != head or found != _hash(head, owner, seq, at, fields):
                    why = "the entry was changed"
                elif anchor is not None and anchor != found:
                    why = "it is not the entry that was anchored"
                if why is not None:
                    broken[owner] = BrokenLink(owner, seq, why)
            reached[owner] = (seq, found)
    owners = heads.keys() | reached.keys() | anchored.keys()
    for owner in owners - broken.keys():
        end = _end(
            owner, reached.get(owner, (0, GENESIS)), heads.get(owner, (0, GENESIS)), anchored.get(owner, 0)
        )
        if end is not None:
            broken[owner] = end
    return Verification(len(owners), entries, sorted(broken.values(), key=lambda b: b.customer_id))


def _end(owner: str, last: tuple[int, str], recorded: tuple[int, str], anchored: int) -> BrokenLink | None:
    """Whether a chain that holds so far ends where it was recorded to end."""
    if last[0] < max(recorded[0], anchored):
        return BrokenLink(owner, last[0] + 1, "the last entries are missing")
    if last[0] > recorded[0]:
        return BrokenLink(owner, recorded[0] + 1, "the entry is beyond the recorded end")
    if last != recorded:
        return BrokenLink(owner, last[0], "it is not the entry that was recorded as the last")
    return None
