"""The audit trail as files and against an anchor that was kept elsewhere, while everything goes on."""

import asyncio
import csv
import hashlib
import io
import json
from datetime import datetime, timedelta

import pytest

from server import audit as trail
from server.jobs.schedule import CHORES, Hands, Terms, anchor_the_log
from tests.world import World, message, note, proposing
from tools.activity.chain import GENESIS, Entry, append
from tools.errors import Invalid
from tools.spec import canonical


async def busy(world: World) -> None:
    """Two customers with something in their logs; the second one's is an hour younger."""
    for customer in ("cust-1", "cust-2"):
        world.customer(customer)
        await world.engine(proposing(message(), note())).run(await world.hears("Hello, ¿cuánto?", customer))
        world.clock.advance(timedelta(hours=1))


async def exported(world: World, form: trail.Format, **given: str | datetime) -> str:
    """The export's text."""
    out = io.StringIO(newline="")
    await trail.export(world.pool, out, form=form, **given)  # type: ignore[arg-type]  # what a test gives is right
    return out.getvalue()


async def test_whoever_has_a_line_of_json_can_recompute_its_hash(world: World) -> None:
    await busy(world)
    lines = [json.loads(line) for line in (await exported(world, "jsonl")).splitlines()]
    assert len(lines) == world.count("activity_log") > 4
    head: dict[str, str] = {}
    for line in lines:
        assert list(line) == sorted(trail.COLUMNS)
        before = head.get(line["customer_id"], GENESIS)
        hashed = canonical([line[c] for c in trail.COLUMNS if c not in ("prev_hash", "hash")])
        assert line["prev_hash"] == before
        assert line["hash"] == hashlib.sha256((before + hashed).encode()).hexdigest()
        head[line["customer_id"]] = line["hash"]
    assert head == dict(world.sql("SELECT customer_id, hash FROM activity_head"))


async def test_csv_and_json_lines_say_the_same(world: World) -> None:
    await busy(world)
    lines = [json.loads(line) for line in (await exported(world, "jsonl")).splitlines()]
    table = list(csv.DictReader(io.StringIO(await exported(world, "csv"))))
    assert [
        {**row, "seq": int(row["seq"]), "subject": json.loads(row["subject"]),
         "episode_id": row["episode_id"] or None, "decision_id": int(row["decision_id"]) if row["decision_id"] else None}
        for row in table
    ] == lines  # fmt: skip


async def test_an_export_may_begin_at_an_instant_and_be_of_one_customer(world: World) -> None:
    begun = world.clock.now()
    await busy(world)
    since = begun + timedelta(hours=1)
    for given in ({"since": since}, {"customer_id": "cust-2"}):
        found = {
            json.loads(line)["customer_id"] for line in (await exported(world, "jsonl", **given)).splitlines()
        }
        assert found == {"cust-2"}
    assert await exported(world, "jsonl", since=since + timedelta(days=1)) == ""
    assert (await exported(world, "csv", customer_id="nobody")).split(",")[0] == "customer_id"


async def test_the_log_is_anchored_by_a_chore_and_once_however_many_try(world: World) -> None:
    assert anchor_the_log in [chore.work for chore in CHORES]
    hands = Hands(world.engine(proposing()), Terms())
    await anchor_the_log(hands)
    assert world.count("audit_anchor") == 0
    await busy(world)
    await asyncio.gather(*(anchor_the_log(hands) for _ in range(4)))
    assert world.sql("SELECT id, chains FROM audit_anchor") == [(1, 2)]
    found = await trail.audit(world.pool)
    assert (found.holds, len(found.anchors.hold)) == (True, 1)


async def test_entries_that_are_added_while_it_is_verified_are_no_break(world: World) -> None:
    await busy(world)
    stop = asyncio.Event()

    async def add() -> None:
        while not stop.is_set():
            async with world.pool.connection() as conn, conn.transaction():
                entries = [Entry("system", "System", "message.sent", {"outbox": 1})] * 20
                await append(conn, customer_id="cust-1", at=world.clock.now(), entries=entries)
            await trail.add_anchor(world.pool, world.clock)

    adding = asyncio.create_task(add())
    for _ in range(10):
        found = await trail.audit(world.pool)
        assert (list(found.log.broken), found.anchors.broken) == ([], None)
    stop.set()
    await adding
    assert (await trail.audit(world.pool)).log.entries == world.count("activity_log") > 20


async def test_an_anchor_that_was_kept_elsewhere_is_ours_until_somebody_rewrites_the_log_and_all_anchors(
    world: World,
) -> None:
    await busy(world)
    first = await trail.add_anchor(world.pool, world.clock)
    world.clock.advance(timedelta(hours=1))
    await world.engine(proposing()).run(await world.hears("And now?"))
    second = await trail.add_anchor(world.pool, world.clock)
    assert first is not None
    assert second is not None
    kept = "\n".join(json.dumps(trail.as_json(a)) for a in (first, second))
    for given in (first.hash, second.hash, kept):
        assert (await trail.audit(world.pool, kept=given)).holds

    old = [json.loads(line) for line in (await exported(world, "jsonl")).splitlines()]
    for table in ("audit_anchor_head", "audit_anchor", "activity_log", "activity_head"):
        world.sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        world.sql(f"DELETE FROM {table}")
    for row in old:
        async with world.pool.connection() as conn, conn.transaction():
            entry = Entry(
                "nobody", row["source"], row["action"], row["subject"], row["episode_id"], row["decision_id"]
            )
            at = datetime.fromisoformat(row["at"])
            await append(conn, customer_id=row["customer_id"], at=at, entries=[entry])
    await trail.add_anchor(world.pool, world.clock)

    assert (await trail.audit(world.pool)).holds  # it looks sound by itself
    for given in (first.hash, second.hash, kept):
        found = await trail.audit(world.pool, kept=given)
        assert not found.holds
        assert "was changed" in (found.astray or "")


async def test_what_was_kept_beside_the_hash_has_to_fit_too(world: World) -> None:
    await busy(world)
    made = await trail.add_anchor(world.pool, world.clock)
    assert made is not None
    found = await trail.audit(world.pool, kept=json.dumps({**trail.as_json(made), "entries": 1}))
    assert found.astray == "anchor 1 was kept with another entries"


@pytest.mark.parametrize("kept", ["", "abc", "[]", "{}", '{"hash": 1}', "\n", "{"])
async def test_what_is_no_anchor_is_refused(world: World, kept: str) -> None:
    with pytest.raises(Invalid):
        await trail.audit(world.pool, kept=kept)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(Invalid, match="neither"):
        trail.kept_anchor("no/such/file")
