"""Anchors: the ends of all chains at one moment, in one hash that somebody can keep where no database writer gets at it.

An anchor's hash covers the one before it, its time, its counts and every chain's end that moved since. Who recomputes the
log, its recorded ends and the anchors comes to other hashes; one that is kept elsewhere shows it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from tools import sql
from tools.activity.chain import GENESIS, instant
from tools.spec import canonical

_SQL = sql.load("tools.activity")
_FETCH = 5000  # rows at once
Head = tuple[str, int, str]  # customer id, number of its last entry, that entry's hash


@dataclass(frozen=True, slots=True)
class Anchor:
    """What stood in the log at `at`: `entries` in `chains`; `hash` vouches for all of it."""

    id: int
    at: datetime
    chains: int
    entries: int
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Anchors:
    """The anchors that hold, oldest first, and why the first one that does not hold does not (None: all do)."""

    hold: Sequence[Anchor]
    broken: str | None


def seal(prev_hash: str, at: datetime, counts: tuple[int, int, int], heads: Iterable[Head]) -> str:
    """The hash of an anchor. `counts`: its number, chains, entries; `heads`: the ends that moved, by customer id."""
    hashed = hashlib.sha256((prev_hash + canonical([*counts, instant(at)])).encode())
    for head in heads:
        hashed.update(canonical(head).encode())
    return hashed.hexdigest()


async def anchor(conn: AsyncConnection[Any], *, at: datetime) -> Anchor | None:
    """Anchor all chains in the caller's transaction: the newest anchor, or the one before where nothing moved since.

    None: nothing was ever logged.
    """
    await conn.execute(_SQL["lock_anchors"])
    row = await (await conn.execute(_SQL["last_anchor"])).fetchone()
    last = Anchor(*row) if row else None
    number, prev_hash = (last.id + 1, last.hash) if last else (1, GENESIS)
    moved = await (await conn.execute(_SQL["anchor_heads"], {"anchor_id": number})).fetchall()
    if not moved:
        return last
    chains, entries = moved[0][3:]
    found = seal(prev_hash, at, (number, chains, entries), [row[:3] for row in moved])
    made = Anchor(number, at, chains, entries, prev_hash, found)
    await conn.execute(
        _SQL["add_anchor"],
        {"id": number, "at": at, "chains": chains, "entries": entries, "prev_hash": prev_hash, "hash": found},
    )
    return made


async def verify_anchors(conn: AsyncConnection[Any]) -> Anchors:
    """Recompute every anchor from the first on. In a transaction; whether the log still holds the ends is `chain.verify`'s."""
    hold: list[Anchor] = []
    rows: list[tuple[Any, ...]] = []
    async with conn.cursor(name="audit_anchors") as cursor:
        cursor.itersize = _FETCH
        await cursor.execute(_SQL["anchors"])
        async for row in cursor:
            if rows and row[0] != rows[0][0]:
                why = _wrong(hold, rows)
                if why is not None:
                    return Anchors(hold, why)
                hold.append(Anchor(*rows[0][:6]))
                rows.clear()
            rows.append(row)
    why = _wrong(hold, rows) if rows else None
    if rows and why is None:
        hold.append(Anchor(*rows[0][:6]))
    return Anchors(hold, why)


def _wrong(before: Sequence[Anchor], rows: Sequence[tuple[Any, ...]]) -> str | None:
    """Why the anchor of these rows, one for each end, does not follow from those before it."""
    number, head = (before[-1].id + 1, before[-1].hash) if before else (1, GENESIS)
    stated = Anchor(*rows[0][:6])
    if stated.id != number or rows[0][1] is None:
        return f"anchor {number} is missing"
    heads = [row[6:] for row in rows if row[6] is not None]
    found = seal(head, stated.at, (number, stated.chains, stated.entries), heads)
    return None if (stated.prev_hash, stated.hash) == (head, found) else f"anchor {number} was changed"
