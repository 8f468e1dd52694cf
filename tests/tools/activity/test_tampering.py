"""Whatever column of whatever entry somebody changes, takes out, moves or slips in: the log says so, for that customer alone."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from server.db import Connection
from tests.proofs import proof_size
from tests.world import NOW
from tools.activity.anchors import anchor
from tools.activity.chain import Entry, append, verify

LENGTH = 6
COLUMNS = (
    "customer_id", "seq", "at", "actor", "source", "action", "subject", "episode_id", "decision_id", "prev_hash", "hash"
)  # fmt: skip
words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=4,
)
VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "customer_id": st.sampled_from(["k1", "k2", "k3"]),
    "seq": st.integers(-1, LENGTH + 2),
    "at": st.datetimes(
        min_value=NOW.replace(tzinfo=None, year=1990), max_value=NOW.replace(tzinfo=None, year=2090)
    ).map(lambda at: at.replace(tzinfo=NOW.tzinfo)),
    "actor": words,
    "source": st.sampled_from(["AI Agent", "Collector", "Customer", "System"]),
    "action": words,
    "subject": st.dictionaries(words, plain, max_size=3),
    "episode_id": st.none() | words,
    "decision_id": st.none() | st.integers(-(2**63), 2**63 - 1),
    "prev_hash": hashes | words,
    "hash": hashes | words,
}
ENTRIES = [
    Entry("customer", "Customer", "message.received", {"message": 1, "body": "ab"}, "ep-1"),
    Entry("agent", "AI Agent", "decision.allowed", {"tool": "x", "n": 2}, "ep-1", 7),
    Entry("carla", "Collector", "approval.approved", {"approval": "ap-1"}, "ep-1"),
    Entry("system", "System", "message.sent", {"outbox": 3, "body": "cd"}, "ep-1", 9),
    Entry("system", "System", "message.delivered", {"outbox": 3}),
    Entry("agent", "AI Agent", "decision.refused", {"tool": "y"}, "ep-2", 10),
]


@pytest.fixture
async def log(conn: Connection) -> Connection:
    """Two customers with the same log, a third without one; what guards it, and keys, are off: somebody owns the database."""
    for customer in ("k1", "k2", "k3"):
        await conn.execute(
            """INSERT INTO customer (id, ext_system, ext_id, ext_fetched_at, raw_hash, name, currency)
               VALUES (%s, 'csv', %s, %s, '', 'x', 'USD')""",
            (customer, customer, NOW),
        )
    for customer in ("k1", "k2"):
        await append(conn, customer_id=customer, at=NOW, entries=ENTRIES)
    await conn.execute("ALTER TABLE activity_log DISABLE TRIGGER USER")
    await conn.execute("ALTER TABLE activity_log DROP CONSTRAINT activity_log_pkey")
    return conn


async def broken(conn: Connection) -> set[str]:
    """Customers whose chain does not hold."""
    async with conn.transaction():
        return {link.customer_id for link in (await verify(conn)).broken}


async def rows(conn: Connection) -> list[tuple[Any, ...]]:
    """The log as it stands."""
    return await (await conn.execute("SELECT * FROM activity_log ORDER BY customer_id, seq, hash")).fetchall()


def test_every_column_of_the_log_is_tampered_with(worker_database: str) -> None:
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'activity_log'"
    with psycopg.connect(worker_database) as connection:
        assert sorted(row[0] for row in connection.execute(query)) == sorted(COLUMNS)
    assert set(VALUES) == set(COLUMNS)


@pytest.mark.proof
@given(column=st.sampled_from(COLUMNS), seq=st.integers(1, LENGTH), data=st.data())
@settings(
    max_examples=proof_size(test=60, prove=3000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_any_other_value_in_any_column_of_any_entry_is_found(
    log: Connection, column: str, seq: int, data: st.DataObject
) -> None:
    """`customer_id` moves the entry: then both chains are broken."""
    value = data.draw(VALUES[column])
    async with log.transaction(force_rollback=True):
        before = await rows(log)
        stored = json.dumps(value) if column == "subject" else value
        await log.execute(
            sql.SQL("UPDATE activity_log SET {} = %s WHERE customer_id = 'k1' AND seq = %s").format(
                sql.Identifier(column)
            ),
            (stored, seq),
        )
        changed = await rows(log) != before
        assert ("k1" in await broken(log)) is changed
        assert "k2" not in await broken(log) or (column, value) == ("customer_id", "k2")


@pytest.mark.proof
@given(
    order=st.permutations(range(1, LENGTH + 1)),
    gone=st.sets(st.integers(1, LENGTH)),
    twice=st.none() | st.integers(1, LENGTH),
    at_end=st.booleans(),
)
@settings(
    max_examples=proof_size(test=60, prove=3000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_entries_that_are_moved_taken_out_or_put_in_are_found_with_a_rewound_end_too(
    log: Connection, order: Sequence[int], gone: set[int], twice: int | None, *, at_end: bool
) -> None:
    """`at_end`: the recorded end is set to what the log then ends in, and only an anchor still knows better."""
    async with log.transaction(force_rollback=True):
        await anchor(log, at=NOW)
        if twice is not None:  # the same entry once more, behind the end
            await log.execute(
                """INSERT INTO activity_log SELECT customer_id, %s, at, actor, source, action, subject, episode_id, decision_id,
                          prev_hash, hash FROM activity_log WHERE customer_id = 'k1' AND seq = %s""",
                (LENGTH + 1, twice),
            )
        await log.execute(
            "DELETE FROM activity_log WHERE customer_id = 'k1' AND seq = ANY(%s)", (list(gone),)
        )
        await log.execute(
            """UPDATE activity_log SET seq = (%s::int[])[seq] WHERE customer_id = 'k1' AND seq <= %s""",
            (list(order), LENGTH),
        )
        if at_end:
            await log.execute("DELETE FROM activity_head WHERE customer_id = 'k1'")
            await log.execute(
                """INSERT INTO activity_head SELECT customer_id, seq, hash FROM activity_log
                    WHERE customer_id = 'k1' ORDER BY seq DESC LIMIT 1"""
            )
        untouched = not gone and twice is None and list(order) == sorted(order)
        assert await broken(log) == (set() if untouched else {"k1"})


async def test_an_entry_with_a_name_of_our_own_making_is_found(log: Connection) -> None:
    """Slipped in before, between and behind the others, with any hash."""
    for seq in range(LENGTH + 2):
        async with log.transaction(force_rollback=True):
            await log.execute(
                "UPDATE activity_log SET seq = seq + 1 WHERE customer_id = 'k1' AND seq >= %s", (seq,)
            )
            await log.execute(
                """INSERT INTO activity_log (customer_id, seq, at, actor, source, action, subject, prev_hash, hash)
                   VALUES ('k1', %s, %s, 'agent', 'AI Agent', 'x', '{}', '', %s)""",
                (seq, NOW, uuid4().hex),
            )
            assert await broken(log) == {"k1"}
