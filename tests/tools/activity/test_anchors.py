"""Anchors: one hash that is kept elsewhere shows a log that was rewritten as a whole, and itself cannot be made up."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
import pytest

from server.db import Connection
from tests.world import NOW
from tools.activity.anchors import Anchor, Anchors, anchor, verify_anchors
from tools.activity.chain import GENESIS, Entry, append, verify

CUSTOMERS = ("k1", "k2", "K3", "ä4")


async def log(conn: Connection, customer: str, *actions: str) -> None:
    """Add an entry for each action."""
    await append(conn, customer_id=customer, at=NOW, entries=[Entry("agent", "AI Agent", a) for a in actions])


async def anchored(conn: Connection, hours: int = 0) -> Anchor:
    """Anchor so many hours later."""
    async with conn.transaction():
        made = await anchor(conn, at=NOW + timedelta(hours=hours))
    assert made is not None
    return made


async def found(conn: Connection) -> Anchors:
    """What the anchors come to."""
    async with conn.transaction():
        return await verify_anchors(conn)


async def broken(conn: Connection) -> list[tuple[str, int, str]]:
    """What the log comes to."""
    async with conn.transaction():
        return [(b.customer_id, b.seq, b.why) for b in (await verify(conn)).broken]


@pytest.fixture
async def three(conn: Connection) -> Sequence[Anchor]:
    """Three anchors: over all four chains, over one of them that went on, over two. What guards the tables is off."""
    for customer in CUSTOMERS:
        await conn.execute(
            """INSERT INTO customer (id, ext_system, ext_id, ext_fetched_at, raw_hash, name, currency)
               VALUES (%s, 'csv', %s, %s, '', 'x', 'USD')""",
            (customer, customer, NOW),
        )
        await log(conn, customer, "one", "two")
    made = [await anchored(conn)]
    await log(conn, "k1", "three")
    made.append(await anchored(conn, 1))
    await log(conn, "k1", "four")
    await log(conn, "K3", "three", "four")
    made.append(await anchored(conn, 2))
    await conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in ("activity_log", "audit_anchor", "audit_anchor_head"):
        await conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    return made


async def test_nothing_logged_is_nothing_to_anchor(conn: Connection) -> None:
    assert await anchor(conn, at=NOW) is None
    assert await found(conn) == Anchors([], None)


async def test_every_anchor_holds_the_one_before_and_the_ends_that_moved(
    conn: Connection, three: Sequence[Anchor]
) -> None:
    assert [(a.id, a.chains, a.entries) for a in three] == [(1, 4, 8), (2, 4, 9), (3, 4, 12)]
    assert [a.prev_hash for a in three] == [GENESIS, three[0].hash, three[1].hash]
    rows = await (
        await conn.execute("SELECT anchor_id, count(*) FROM audit_anchor_head GROUP BY 1 ORDER BY 1")
    ).fetchall()
    assert rows == [(1, 4), (2, 1), (3, 2)]
    assert await found(conn) == Anchors(three, None)
    assert await broken(conn) == []


async def test_an_hour_in_which_nothing_happened_needs_no_anchor(
    conn: Connection, three: Sequence[Anchor]
) -> None:
    assert await anchored(conn, 3) == three[-1]


ASTRAY: dict[LiteralString, str] = {
    "UPDATE audit_anchor SET at = at + interval '1 microsecond' WHERE id = 2": "anchor 2 was changed",
    "UPDATE audit_anchor SET chains = 3 WHERE id = 2": "anchor 2 was changed",
    "UPDATE audit_anchor SET entries = 3 WHERE id = 1": "anchor 1 was changed",
    "UPDATE audit_anchor SET prev_hash = repeat('0', 64) WHERE id = 3": "anchor 3 was changed",
    "UPDATE audit_anchor SET hash = repeat('0', 64) WHERE id = 3": "anchor 3 was changed",
    "UPDATE audit_anchor SET id = 9 WHERE id = 3": "anchor 3 is missing",
    "DELETE FROM audit_anchor WHERE id = 2": "anchor 2 is missing",
    "DELETE FROM audit_anchor WHERE id = 3": "anchor 3 is missing",
    "UPDATE audit_anchor_head SET customer_id = 'k2' WHERE anchor_id = 2": "anchor 2 was changed",
    "UPDATE audit_anchor_head SET seq = 9 WHERE anchor_id = 2": "anchor 2 was changed",
    "UPDATE audit_anchor_head SET hash = repeat('0', 64) WHERE anchor_id = 2": "anchor 2 was changed",
    "UPDATE audit_anchor_head SET anchor_id = 3 WHERE anchor_id = 2": "anchor 2 was changed",
    "DELETE FROM audit_anchor_head WHERE anchor_id = 3 AND customer_id = 'k1'": "anchor 3 was changed",
}


@pytest.mark.parametrize("change", ASTRAY)
async def test_an_anchor_that_was_tampered_with_is_named(
    conn: Connection, three: Sequence[Anchor], change: LiteralString
) -> None:
    await conn.execute("ALTER TABLE audit_anchor_head DROP CONSTRAINT audit_anchor_head_anchor_id_fkey")
    await conn.execute(change)

    seen = await found(conn)

    assert seen.broken == ASTRAY[change]
    assert [a.id for a in seen.hold] == list(range(1, int(ASTRAY[change].split()[1])))


async def test_the_last_entry_that_went_together_with_its_recorded_end_is_missed_by_the_anchor(
    conn: Connection, three: Sequence[Anchor]
) -> None:
    """Without anchors this is a shorter log that holds."""
    await conn.execute("DELETE FROM activity_log WHERE customer_id = 'k1' AND seq = 4")
    await conn.execute(
        """UPDATE activity_head h SET seq = l.seq, hash = l.hash FROM activity_log l
            WHERE h.customer_id = 'k1' AND l.customer_id = 'k1' AND l.seq = 3"""
    )
    assert await broken(conn) == [("k1", 4, "the last entries are missing")]
    assert (await found(conn)).broken is None


async def test_a_chain_that_vanished_whole_is_missed_by_the_anchor(
    conn: Connection, three: Sequence[Anchor]
) -> None:
    for table in ("activity_log", "activity_head"):
        await conn.execute(f"DELETE FROM {table} WHERE customer_id = 'k2'")
    assert await broken(conn) == [("k2", 1, "the last entries are missing")]


async def rewritten(conn: Connection) -> None:
    """Somebody who owns the database writes k1's log anew, with hashes and an end that fit."""
    for table in ("activity_log", "activity_head"):
        await conn.execute(f"DELETE FROM {table} WHERE customer_id = 'k1'")
    await log(conn, "k1", "one", "forged", "three", "four")


async def test_a_log_that_was_rewritten_as_a_whole_is_not_the_one_that_was_anchored(
    conn: Connection, three: Sequence[Anchor]
) -> None:
    await rewritten(conn)
    assert await broken(conn) == [("k1", 2, "it is not the entry that was anchored")]


async def test_who_rewrites_the_anchors_too_cannot_make_the_old_hash_come_out(
    conn: Connection, three: Sequence[Anchor]
) -> None:
    await rewritten(conn)
    for table in ("audit_anchor_head", "audit_anchor"):
        await conn.execute(f"DELETE FROM {table}")
    await conn.execute("SET CONSTRAINTS ALL DEFERRED")
    await anchored(conn, 2)

    assert await broken(conn) == []  # by itself it looks sound
    seen = await found(conn)
    assert seen.broken is None
    assert {a.hash for a in three}.isdisjoint(a.hash for a in seen.hold)  # what was kept elsewhere tells


@pytest.mark.parametrize("table", ["audit_anchor", "audit_anchor_head"])
@pytest.mark.parametrize("change", ["UPDATE {} SET hash = ''", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_anchors_are_append_only_even_for_their_owner(
    conn: Connection, table: str, change: str
) -> None:
    given: Any = change.format(table)
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        await conn.execute(given)


@pytest.mark.parametrize("table", ["audit_anchor", "audit_anchor_head"])
async def test_an_episode_sees_no_anchor(conn: Connection, table: LiteralString) -> None:
    await conn.execute("SET LOCAL ROLE dunwell_agent")
    await conn.execute("SET LOCAL app.customer_id = 'k1'")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await conn.execute(f"SELECT FROM {table}")
