"""The ladder on a real database: what is counted, that a breach takes effect at once, and that a promotion needs evidence."""

from datetime import timedelta
from typing import Any

import pytest

from agent.approvals import decide
from agent.approvals.model import User
from agent.autonomy.record import Standing, changes, standings
from agent.engine.run import Engine
from agent.policy.autonomy import Evidence
from agent.policy.document import Policy, load_policy, parse_policy
from server.autonomy import demote_breaches, promote
from server.policy_history import replayed
from tests.world import COLLECTOR, MANAGER, World, message, proposing, record, reminder
from tools.errors import Forbidden, NotFound, Refused

ADA = User("ada", "admin", 0)


def _policy(mode: str = "assisted", start: str | None = None) -> Policy:
    """Two accepted drafts are enough, and two complaints too many."""
    text = load_policy().text.replace("accepted = 30 ", "accepted = 2 ").replace("count = 3", "count = 2")
    began = f'\nstart = "{start}"' if start else ""
    return parse_policy(text.replace('mode = "draft"', f'mode = "{mode}"{began}', 1))


async def _standing(world: World, engine: Engine, action: str = "reminder") -> Standing:
    async with world.pool.connection() as conn:
        return next(s for s in await standings(conn, engine.deps) if s.action == action)


async def _reminded(world: World, policy: Policy, *names: str) -> list[str]:
    """A reminder for each of these new customers; gives the approvals that it came to."""
    asked = list[str]()
    for name in names:
        world.customer(name, segment="default")
        engine = world.engine(proposing(reminder([f"inv-{name}"])), policy=policy)
        asked += (await engine.run(world.step(customer=name, invoice=f"inv-{name}"))).approvals
    return asked


def _left(world: World) -> None:
    """Everything that was queued has left."""
    world.sql("UPDATE outbox SET state = 'sent', sent_at = %s WHERE state = 'queued'", world.clock.now())
    world.clock.advance(timedelta(minutes=1))


async def _opts_out(world: World, policy: Policy, name: str) -> None:
    engine = world.engine(
        proposing(message("opt_out_confirmation", purpose="opt_out_confirmation")), policy=policy
    )
    await engine.run(await world.hears("STOP", name))


async def test_what_is_counted_is_what_people_and_customers_did(world: World) -> None:
    policy = _policy("draft")
    first, second, third, _ = await _reminded(world, policy, "a", "b", "c", "d")
    engine = world.engine(proposing(), policy=policy)
    for waiting, word in ((first, "approve"), (second, "reject")):
        await decide.decide(engine, waiting, await world.decision(waiting, word), MANAGER)
    edited: dict[str, Any] = {**reminder(["inv-c"])["args"], "tone": "direct"}
    again = await decide.decide(
        engine, third, await world.decision(third, "edit", edited_args=edited), COLLECTOR
    )
    for asked in again.asked_again:  # the editor's own proposal: no evidence of ours
        await decide.decide(engine, asked, await world.decision(asked), MANAGER)
    _left(world)
    await _opts_out(world, policy, "a")

    found = (await _standing(world, engine)).evidence
    assert 0 < found.distance_permille < 500
    assert found == Evidence(
        accepted=1, edited=1, rejected=1, distance_permille=found.distance_permille, sent=2, complaints=1
    )
    world.clock.advance(timedelta(days=91))
    async with world.pool.connection() as conn:
        assert await standings(conn, engine.deps) == []


@pytest.mark.parametrize(("came_later", "false_positives"), [(True, 1), (False, 0)])
async def test_a_message_about_money_that_had_been_paid_was_a_false_positive(
    world: World, came_later: bool, false_positives: int
) -> None:
    policy = _policy()
    await _reminded(world, policy, "a")
    _left(world)
    engine = world.engine(proposing(record("payment_claim", invoices=["inv-a"])), policy=policy)
    await engine.run(await world.hears("I already paid this.", "a"))
    world.paid("inv-a", event=True, **({} if came_later else {"on": world.clock.now().date() + timedelta(1)}))

    assert (await _standing(world, engine)).evidence.false_positives == false_positives


async def test_a_breach_takes_effect_at_once_and_a_person_hears_of_it(world: World) -> None:
    policy = _policy()
    engine = world.engine(proposing(), policy=policy)
    assert await _reminded(world, policy, "a", "b", "c") == []
    for name in ("a", "b"):
        _left(world)
        await _opts_out(world, policy, name)
    world.customer("d", segment="default")
    waiting = world.engine(proposing(reminder(["inv-d"])), policy=policy)
    queued = await waiting.run(world.step(customer="d", invoice="inv-d"))
    assert queued.approvals == []

    tasks = world.count("follow_up")
    (fallen,) = await demote_breaches(engine.deps)
    assert (fallen.action, fallen.now, fallen.weighed.mode) == ("reminder", "assisted", "draft")
    assert await demote_breaches(engine.deps) == [], "one breach is one step"

    assert world.count("follow_up") == tasks + 1
    (task,) = world.sql("SELECT customer_id, priority, reason FROM follow_up ORDER BY id DESC LIMIT 1")
    assert task[:2] == ("b", "high")
    assert "reminder in default went down to draft: 2 complaints or opt-outs after 3 messages" in task[2]
    assert len(await _reminded(world, policy, "e")) == 1, "the next reminder waits for a person"
    reply = world.engine(proposing(message()), policy=policy)
    assert (await reply.run(await world.hears(customer="c"))).approvals == [], "what was not at fault goes on"
    async with world.pool.connection() as conn:
        (change,) = await changes(conn)
    assert (change["by"], change["before"], change["after"]) == ("system", "assisted", "draft")
    assert change["evidence"]["complaints"] == 2
    assert world.count("activity_log", "action = 'autonomy.demoted'") == 1
    assert await world.chain_holds()
    assert (await replayed(world.pool))["different"] == 0, "a decision knows the level that it fell on"


async def test_a_demotion_reaches_what_an_episode_is_about_to_commit(world: World) -> None:
    policy = _policy()
    world.customer("a", segment="default")

    def demoted() -> None:
        world.sql("INSERT INTO autonomy_level VALUES ('default', 'reminder', 'draft')")

    engine = world.engine(proposing(reminder(["inv-a"]), meanwhile=demoted), policy=policy)
    outcome = await engine.run(world.step(customer="a", invoice="inv-a"))

    assert len(outcome.approvals) == 1
    assert world.count("outbox") == 0


async def test_a_promotion_needs_an_admin_and_evidence_and_is_on_record(world: World) -> None:
    policy = _policy("assisted", start="draft")
    engine = world.engine(proposing(), policy=policy)
    with pytest.raises(NotFound):
        await promote(engine.deps, "default", user=ADA)
    first, second = await _reminded(world, policy, "a", "b")
    await decide.decide(engine, first, await world.decision(first), MANAGER)
    with pytest.raises(Refused, match="1 of 2 drafts accepted unchanged so far"):
        await promote(engine.deps, "default", user=ADA)
    await decide.decide(engine, second, await world.decision(second), MANAGER)
    with pytest.raises(Forbidden, match="needs an admin"):
        await promote(engine.deps, "default", user=MANAGER)

    (raised,) = await promote(engine.deps, "default", user=ADA, action="reminder")

    assert (raised.now, raised.weighed.mode) == ("draft", "assisted")
    assert world.sql("SELECT by, before, after, evidence ->> 'accepted' FROM autonomy_change") == [
        ("ada", "draft", "assisted", "2")
    ]
    assert await _reminded(world, policy, "c") == [], "low risk goes out now"
    with pytest.raises(Refused, match="reminder stays assisted"):
        await promote(engine.deps, "default", user=ADA)


async def test_the_record_of_steps_cannot_be_rewritten(world: World) -> None:
    import psycopg

    await world.engine(proposing()).open()
    world.sql(
        """INSERT INTO autonomy_change (segment, action, before, after, why, evidence, by, policy_version, at)
           SELECT 'default', 'reply', 'draft', 'assisted', 'x', '{}', 'ada', version, first_used_at FROM policy_version"""
    )
    for change in ("UPDATE autonomy_change SET by = 'nobody'", "DELETE FROM autonomy_change"):
        with pytest.raises(psycopg.errors.RestrictViolation):
            world.sql(change)
