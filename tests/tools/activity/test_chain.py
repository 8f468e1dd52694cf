"""The activity log: whoever changes, removes, adds or reorders an entry is found out, and the first wrong link is named."""

import json
from typing import Any, LiteralString

import psycopg
import pytest

from server.db import Connection
from tests.world import NOW
from tools.activity.chain import GENESIS, BrokenLink, Entry, append, link, read, verify

ENTRIES = [
    Entry("customer", "Customer", "message.received", {"message": 1, "body": "ab"}, "ep-1", None),
    Entry("agent", "AI Agent", "decision.allowed", {"tool": "x", "n": 2}, "ep-1", 7),
    Entry("agent", "AI Agent", "decision.asked", {"approval": "ap-1"}, "ep-1", 8),
    Entry("carla", "Collector", "approval.approved", {"approval": "ap-1"}, "ep-1", None),
    Entry("system", "System", "message.sent", {"outbox": 3, "body": "cd"}, "ep-1", 9),
]
CHANGES: dict[str, LiteralString] = {
    "customer_id": "UPDATE activity_log SET customer_id = 'k3' WHERE customer_id = 'k1' AND seq = %s",
    "seq": "UPDATE activity_log SET seq = seq + 100 WHERE customer_id = 'k1' AND seq = %s",
    "at": "UPDATE activity_log SET at = at + interval '1 microsecond' WHERE customer_id = 'k1' AND seq = %s",
    "actor": "UPDATE activity_log SET actor = 'nobody' WHERE customer_id = 'k1' AND seq = %s",
    "source": "UPDATE activity_log SET source = CASE source WHEN 'System' THEN 'Collector' ELSE 'System' END"
    " WHERE customer_id = 'k1' AND seq = %s",
    "action": "UPDATE activity_log SET action = 'note' WHERE customer_id = 'k1' AND seq = %s",
    "subject": """UPDATE activity_log SET subject = subject || '{"extra": null}' WHERE customer_id = 'k1' AND seq = %s""",
    "episode_id": "UPDATE activity_log SET episode_id = NULL WHERE customer_id = 'k1' AND seq = %s",
    "decision_id": "UPDATE activity_log SET decision_id = 99 WHERE customer_id = 'k1' AND seq = %s",
    "prev_hash": "UPDATE activity_log SET prev_hash = repeat('1', 64) WHERE customer_id = 'k1' AND seq = %s",
    "hash": "UPDATE activity_log SET hash = repeat('1', 64) WHERE customer_id = 'k1' AND seq = %s",
}


@pytest.fixture
async def log(conn: Connection) -> Connection:
    """Two customers with a log of five entries each; a third without one. The trigger that guards it is off."""
    for customer in ("k1", "k2", "k3"):
        await conn.execute(
            """INSERT INTO customer (id, ext_system, ext_id, ext_fetched_at, raw_hash, name, currency)
               VALUES (%s, 'csv', %s, %s, '', 'x', 'USD')""",
            (customer, customer, NOW),
        )
    for customer in ("k1", "k2"):
        await append(conn, customer_id=customer, at=NOW, entries=ENTRIES[:3])
        await append(conn, customer_id=customer, at=NOW, entries=ENTRIES[3:])
    await conn.execute("ALTER TABLE activity_log DISABLE TRIGGER activity_log_append_only")
    return conn


async def broken(conn: Connection) -> list[BrokenLink]:
    """Every broken chain's first wrong link."""
    async with conn.transaction():
        return list((await verify(conn)).broken)


async def entries(conn: Connection) -> list[dict[str, Any]]:
    """k1's log, in the order of its numbers."""
    return [row async for row in read(conn, customer_id="k1")]


async def test_an_untouched_log_verifies(log: Connection) -> None:
    async with log.transaction():
        found = await verify(log)
        one = await verify(log, customer_id="k1")
    assert (found.chains, found.entries, list(found.broken)) == (2, 10, [])
    assert (one.chains, one.entries) == (1, 5)
    rows = await entries(log)
    assert [(row["seq"], row["action"]) for row in rows] == list(
        enumerate((e.action for e in ENTRIES), start=1)
    )
    assert rows[0]["prev_hash"] == GENESIS


def test_every_column_of_the_log_is_changed_below(log_columns: list[str]) -> None:
    assert sorted(CHANGES) == sorted(log_columns)


@pytest.fixture
def log_columns(worker_database: str) -> list[str]:
    """What the log is made of."""
    with psycopg.connect(worker_database) as connection:
        rows = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'activity_log'"
        ).fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize("seq", [1, 3, 5])
@pytest.mark.parametrize("column", CHANGES)
async def test_a_changed_column_is_found_at_its_entry(log: Connection, column: str, seq: int) -> None:
    await log.execute(CHANGES[column], (seq,))

    found = await broken(log)

    own = next(link for link in found if link.customer_id == "k1")
    assert own.seq == seq
    assert {link.customer_id for link in found} == ({"k1", "k3"} if column == "customer_id" else {"k1"})


@pytest.mark.parametrize(
    ("where", "first"), [("seq = 5", 5), ("seq >= 4", 4), ("seq = 3", 3), ("seq = 1", 1), ("true", 1)]
)
async def test_removed_entries_are_missed_from_the_first_on(
    log: Connection, where: LiteralString, first: int
) -> None:
    await log.execute(f"DELETE FROM activity_log WHERE customer_id = 'k1' AND {where}")

    (found,) = await broken(log)

    assert (found.customer_id, found.seq) == ("k1", first)
    assert "missing" in found.why


@pytest.mark.parametrize(("one", "other"), [(1, 2), (2, 3), (4, 5), (1, 5)])
async def test_reordered_entries_are_found_at_the_first(log: Connection, one: int, other: int) -> None:
    await log.execute(
        """UPDATE activity_log SET seq = CASE WHEN seq = %s THEN -1 ELSE -2 END
            WHERE customer_id = 'k1' AND seq IN (%s, %s)""",
        (one, one, other),
    )
    await log.execute("UPDATE activity_log SET seq = %s WHERE seq = -1", (other,))
    await log.execute("UPDATE activity_log SET seq = %s WHERE seq = -2", (one,))

    (found,) = await broken(log)

    assert found.seq == one


async def _forged(conn: Connection, seq: int, prev_hash: str, **changed: Any) -> str:
    """Rewrite entry `seq` of k1 with a hash that fits its content and `prev_hash`."""
    row = (await entries(conn))[seq - 1] | changed
    entry = Entry(
        row["actor"], row["source"], row["action"], row["subject"], row["episode_id"], row["decision_id"]
    )
    forged = link(prev_hash, "k1", seq, row["at"], entry)
    await conn.execute(
        "UPDATE activity_log SET subject = %s, prev_hash = %s, hash = %s WHERE customer_id = 'k1' AND seq = %s",
        (json.dumps(row["subject"]), prev_hash, forged, seq),
    )
    return forged


async def test_a_forger_who_recomputes_hashes_is_found_at_the_next_entry_or_at_the_recorded_end(
    log: Connection,
) -> None:
    rows = await entries(log)
    head = await _forged(log, 2, rows[0]["hash"], subject={"forged": True})
    assert [(b.seq, b.why) for b in await broken(log)] == [(3, "the entry was changed")]

    for seq in (3, 4, 5):  # and now all that follow, too
        head = await _forged(log, seq, head)
    assert [b.seq for b in await broken(log)] == [5]


async def test_an_entry_that_was_slipped_in_behind_the_end_is_found(log: Connection) -> None:
    last = (await entries(log))[-1]
    await log.execute(
        """INSERT INTO activity_log (customer_id, seq, at, actor, source, action, subject, prev_hash, hash)
           VALUES ('k1', 6, %s, 'agent', 'AI Agent', 'x', '{}', %s, %s)""",
        (NOW, last["hash"], link(last["hash"], "k1", 6, NOW, Entry("agent", "AI Agent", "x"))),
    )
    assert [(b.seq, b.why) for b in await broken(log)] == [(6, "the entry is beyond the recorded end")]


@pytest.mark.parametrize(
    "head",
    ["DELETE FROM activity_head", "UPDATE activity_head SET seq = 3", "UPDATE activity_head SET hash = ''"],
)
async def test_a_recorded_end_that_was_tampered_with_is_found(log: Connection, head: LiteralString) -> None:
    await log.execute(f"{head} WHERE customer_id = 'k1'")
    assert [b.customer_id for b in await broken(log)] == ["k1"]


@pytest.mark.parametrize(
    "change", ["UPDATE activity_log SET actor = 'x'", "DELETE FROM activity_log", "TRUNCATE activity_log",
               "UPDATE decision SET verdict = 'allow'", "DELETE FROM decision", "UPDATE activity_log SET actor = 'x' WHERE false"],
)  # fmt: skip
async def test_the_log_and_the_decisions_are_append_only_even_for_their_owner(
    conn: Connection, change: LiteralString
) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        await conn.execute(change)
