"""Erasure: nothing personal is left, and everything that was decided still stands and verifies."""

import asyncio
import re
from dataclasses import replace
from typing import LiteralString

import psycopg
import pytest

from agent.approvals import decide
from server.erasure import erase_customer
from server.inbound import accept
from server.inbox import assign
from tests.world import MANAGER, World, far_follow_up, message, note, proposing, record, reminder
from tools.errors import Conflict, NotFound
from tools.memory.arrival import Arrival
from tools.spec import Action

SECRETS = (
    "Odalys",
    "Brambleworth",
    "Quillfeather",
    "4711",
    "Brutus",
    "hip surgery",
    "cust-1.example",
    "3125551",
    "on thursdays",
)


def everything(world: World) -> str:
    """Every row of every table, as text."""
    tables = world.sql(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'policy_version'"
    )
    rows = [row for table in tables for row in world.sql(f"SELECT t::text FROM {table} t")]
    return "\n".join(rows).lower()


async def _known(world: World) -> None:
    """A customer of whom something stands in every place there is."""
    world.customer()
    await world.engine(proposing(message())).run(await world.hears())
    await world.asked(
        note("Hip surgery, pays on Thursdays."), record("preference", about="payment_habit", quote="on Thursdays"),
        message(), reminder(), far_follow_up(), record("concession_request", quote="a discount"),
        message(None, body="About your hip surgery: you owe {{balance}}."),
        record("Odalys", Brutus="hip surgery"), {"name": "schedule_follow_up", "args": {"Brambleworth": "hip surgery"}},
        text="Odalys Brambleworth here. AP pays on Thursdays. After my hip surgery I want a discount. Call 312-555-1001.",
    )  # fmt: skip
    world.sql("UPDATE message SET subject = 'Odalys'")
    mail = Arrival(
        channel="email", provider_id="sg-1", address="billing@cust-1.example", body="Hello.", at=world.clock.now(),
        subject="Odalys", original="Hello. After my hip surgery ...", html="<p>Hip surgery.</p>", internet_id="<odalys@cust-1.example>",
        attachments=[{"name": "brambleworth.pdf", "type": "application/pdf", "size": 7}],
    )  # fmt: skip
    await accept(world.pool, mail)
    for n, address in enumerate(("billing@cust-1.example", "odalys@elsewhere.example")):
        await accept(world.pool, replace(mail, provider_id=f"sg-{n + 2}", address=address, vouched_for=False))
    await assign(world.engine(proposing()), 2, "cust-1", by="mona")
    world.paid()
    world.sql("UPDATE payment SET reference = 'Odalys'")


async def test_nothing_personal_is_left_anywhere_and_the_audit_still_verifies(world: World) -> None:
    await _known(world)
    engine = world.engine(proposing())
    before = everything(world)
    assert [secret for secret in SECRETS if secret.lower() not in before] == []
    entries = world.count("activity_log")

    done = await erase_customer(engine, "cust-1", by="mona")

    after = everything(world)
    found = {
        s: re.findall(f".{{60}}{re.escape(s.lower())}.{{30}}", after) for s in SECRETS if s.lower() in after
    }
    assert found == {}
    assert world.count(
        "message", "body IS NULL AND salt IS NULL AND embedding IS NULL AND words = ''"
    ) == world.count("message")
    nothing = "num_nonnulls(original, html, internet_id) = 0 AND attachments = '[]'"
    assert world.count("message", nothing) == world.count("message") > 1
    assert world.count("unmatched_message", f"body IS NULL AND settled_at IS NOT NULL AND {nothing}") == 2
    assert world.sql("SELECT name, status FROM customer") == [("erased", "erased")]
    assert await world.chain_holds()
    assert world.count("activity_log") > entries
    assert done.rows["messages"] == world.count("message")


async def test_what_waited_is_ended_first(world: World) -> None:
    world.customer()
    await world.asked(message(), far_follow_up())
    waiting = await world.pending()
    assert waiting
    assert world.count("outbox", "state = 'queued'")

    done = await erase_customer(world.engine(proposing()), "cust-1", by="mona")

    assert done.approvals_closed == len(waiting)
    assert {world.state(approval) for approval in waiting} == {"withdrawn"}
    assert world.count("outbox", "state = 'queued'") == 0
    assert world.checkpoints() == 0


async def test_decisions_never_change_and_their_arguments_go_with_an_erased_customer_only(
    world: World,
) -> None:
    """Not even zero rows of them: whoever tries is told."""
    await _known(world)
    world.customer("cust-2", name="Thistlewick Laundry")
    await world.engine(proposing(note("Ours."))).run(await world.hears("Hello.", "cust-2"))
    kept = "SELECT to_jsonb(d) FROM decision d ORDER BY id"
    before = world.sql(kept)
    never: tuple[LiteralString, ...] = (
        "UPDATE decision SET verdict = 'allow'", "UPDATE decision SET verdict = 'allow' WHERE false", "DELETE FROM decision",
        "UPDATE decision_args SET args = '{}'", "UPDATE decision_args SET args = '{}' WHERE false",
        "TRUNCATE decision_args", "DELETE FROM decision_args WHERE customer_id = 'cust-2'",
    )  # fmt: skip
    for change in (*never, "DELETE FROM decision_args WHERE customer_id = 'cust-1'"):
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            world.sql(change)

    await erase_customer(world.engine(proposing()), "cust-1", by="mona")

    assert world.sql(kept) == before
    assert world.sql("SELECT customer_id, args->'record'->>'text' FROM decision_args") == [
        ("cust-2", "Ours.")
    ]
    for change in never:
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            world.sql(change)


async def test_what_a_person_wrote_into_an_approval_goes_too(world: World) -> None:
    """A decided one: edited with a name in it, and rejected with a reason."""
    world.customer(segment="draft")
    engine, [edited, rejected] = await world.asked(message(), far_follow_up())
    body = "Dear Odalys, you owe {{balance}}."
    await decide.decide(
        engine,
        edited,
        await world.decision(edited, "edit", edited_args=message(None, body=body)["args"]),
        MANAGER,
    )
    await decide.decide(
        engine, rejected, await world.decision(rejected, "reject", reason="Brutus bites"), MANAGER
    )
    assert all(word in everything(world) for word in ("dear odalys", "brutus bites"))
    by_mona: LiteralString = "SELECT state, answer->'by' FROM approval WHERE decided_by = 'mona' ORDER BY id"
    decided = world.sql(by_mona)
    assert len(decided) == 2

    await erase_customer(engine, "cust-1", by="mona")

    assert [word for word in ("odalys", "brutus", "4711", "quillfeather") if word in everything(world)] == []
    assert world.sql(by_mona) == decided
    assert await world.chain_holds()


async def test_an_opt_out_outlives_the_erasure(world: World) -> None:
    world.customer()
    await world.engine(proposing()).run(await world.hears("STOP"))
    await erase_customer(world.engine(proposing()), "cust-1", by="mona")

    assert world.count("suppression", "lifted_at IS NULL") == 1
    assert world.count("contact", "opted_out_at IS NULL") == 0


async def test_erasing_twice_changes_nothing_more_and_others_keep_everything(world: World) -> None:
    await _known(world)
    world.customer("cust-2", name="Thistlewick Laundry")
    await world.engine(proposing(message())).run(await world.hears("Hello from us.", "cust-2"))
    theirs = "SELECT to_jsonb(m) FROM message m WHERE customer_id = 'cust-2' ORDER BY id"
    before = world.sql(theirs)
    engine = world.engine(proposing())

    await erase_customer(engine, "cust-1", by="mona")
    again = await erase_customer(engine, "cust-1", by="mona")

    assert set(again.rows.values()) == {0}
    assert world.sql(theirs) == before
    with pytest.raises(NotFound):
        await erase_customer(engine, "nobody", by="mona")


async def test_an_approval_that_somebody_is_deciding_is_waited_for_or_named(world: World) -> None:
    await _known(world)
    world.sql("UPDATE approval SET state = 'resuming', claimed_at = %s", world.clock.now())

    with pytest.raises(Conflict, match="being decided right now"):
        await erase_customer(world.engine(proposing()), "cust-1", by="mona")
    assert world.sql("SELECT status FROM customer") == ["active"]


async def test_a_message_that_arrives_during_an_erasure_finds_nobody_to_talk_to(world: World) -> None:
    await _known(world)
    engine = world.engine(proposing(message()))
    heard = await world.hears("Are you there?")

    await asyncio.gather(
        erase_customer(engine, "cust-1", by="mona"),
        engine.run(heard),
        world.hears("Odalys here."),
        return_exceptions=True,
    )

    assert world.count("outbox", "state = 'queued'") == 0
    assert world.count("message", "body IS NOT NULL") == 0


async def test_no_digest_that_is_kept_can_be_tried_out_any_more(world: World) -> None:
    """They are salted with something that goes: knowing the very words does not show that they were said."""
    await _known(world)
    (salt,) = world.sql("SELECT salt FROM customer")
    known: LiteralString = (
        "SELECT d.tool, a.args, d.digest FROM decision d JOIN decision_args a ON a.decision_id = d.id"
    )
    decided = world.sql(known)
    assert len(decided) > 5
    for tool, args, digest in decided:
        assert Action("cust-1", tool, args, salt).digest == digest
        assert Action("cust-1", tool, args).digest != digest
    assert "salt" not in str(world.sql("SELECT facts FROM decision"))

    await erase_customer(world.engine(proposing()), "cust-1", by="mona")

    assert salt not in everything(world)
    (other,) = world.sql("SELECT salt FROM customer")
    kept = everything(world)
    assert [args for tool, args, _ in decided if Action("cust-1", tool, args, other).digest in kept] == []
