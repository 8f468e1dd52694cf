"""The main proof of issue 2: whoever clicks how often and in which order, every action takes effect exactly once."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from agent.approvals import decide, queries
from agent.approvals.model import Decided, Decision, User
from agent.cycle.sweep import sweep
from agent.engine.narrow import one_customer
from agent.engine.run import Engine
from tests.world import COLLECTOR, MANAGER, SECOND_MANAGER, World, far_follow_up, message, note, record
from tools import failpoints
from tools.errors import AlreadyDecided, CollectionsError, Conflict

CLICKS = 5
FEE = record("concession_request", quote="waive the fee")
TEXT = "How much do I owe, and can you waive the fee?"
# One allowed and two risky actions; the two ask for different things, or for the same kind of thing.
TURNS = {
    "a message and a concession": ("draft", [note(), message(), FEE]),
    "a message and a far follow-up": ("draft", [note(), far_follow_up(), message()]),
    "a concession and a far follow-up": ("assisted", [message(), FEE, far_follow_up()]),
    "two far follow-ups": (
        "assisted",
        [message(), far_follow_up(), {**far_follow_up(), "args": {**far_follow_up()["args"], "on": "2026-07-01"}}],
    ),
}  # fmt: skip


async def clicks(engine: Engine, approval_id: str, given: Sequence[tuple[Decision, User]]) -> list[Any]:
    """Everybody clicks at the same moment: what each is told."""
    return await asyncio.gather(
        *(decide.decide(engine, approval_id, decision, user) for decision, user in given),
        return_exceptions=True,
    )


def winners(told: Sequence[Any]) -> list[Decided]:
    """Those who were told that their answer counts; everybody else must have been told clearly that it does not."""
    for other in told:
        assert isinstance(other, Decided | AlreadyDecided), repr(other)
        assert isinstance(other, Decided) or (other.status == 409 and str(other))
    return [answer for answer in told if isinstance(answer, Decided)]


@pytest.mark.parametrize("order", ["first first", "second first", "both at once"])
@pytest.mark.parametrize("turn", TURNS)
async def test_one_allowed_and_two_risky_actions_take_effect_exactly_once_each(
    world: World, turn: str, order: str
) -> None:
    segment, calls = TURNS[turn]
    world.customer(segment=segment)
    engine, waiting = await world.asked(*calls, text=TEXT)
    assert len(waiting) == 2
    assert len(world.sql("SELECT 1 FROM decision WHERE verdict = 'allow'")) == 1
    assert sum(world.effects().values()) == 1, "the allowed one takes effect at once"

    async def by_two_people(approval_id: str) -> None:
        decision = await world.decision(approval_id)
        told = await clicks(
            engine, approval_id, [(decision, u) for u in (MANAGER, SECOND_MANAGER) for _ in range(CLICKS)]
        )
        assert [won.took_effect for won in winners(told)] == [True]

    if order == "both at once":
        await asyncio.gather(*(by_two_people(approval_id) for approval_id in waiting))
    else:
        first, second = waiting if order == "first first" else reversed(waiting)
        await by_two_people(first)
        assert (world.state(first), world.state(second)) == ("approved", "pending")
        assert sum(world.effects().values()) == 2, "it does not wait for its sibling"
        await by_two_people(second)

    assert {world.state(a) for a in waiting} == {"approved"}
    assert sum(world.effects().values()) == 3
    assert sorted(world.sql("SELECT count(*) FROM decision WHERE verdict = 'allow' GROUP BY digest")) == [
        1,
        1,
        1,
    ]
    assert world.without_decision() == []
    assert world.checkpoints() == 0
    assert world.count("activity_log", "action = 'approval.approved'") == 2
    assert world.count("fence") == 3
    assert await world.chain_holds()


@pytest.mark.parametrize("turn", range(6))
async def test_approve_and_reject_at_the_same_moment_is_one_of_the_two(world: World, turn: int) -> None:
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    given = [
        (await world.decision(waiting), MANAGER),
        (await world.decision(waiting, "reject", reason="too blunt"), SECOND_MANAGER),
    ]

    told = await clicks(engine, waiting, given if turn % 2 else given[::-1])

    (won,) = winners(told)
    assert world.state(waiting) == won.state
    assert world.count("outbox") == (won.state == "approved")
    who = {"approved": "mona", "rejected": "milo"}[won.state]
    assert world.sql("SELECT decided_by FROM approval") == [who]
    assert world.checkpoints() == 0


async def test_a_second_click_later_is_told_who_decided(world: World) -> None:
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    decision = await world.decision(waiting)
    await decide.decide(engine, waiting, decision, MANAGER)

    with pytest.raises(AlreadyDecided, match="approved by mona"):
        await decide.decide(engine, waiting, decision, SECOND_MANAGER)
    assert world.count("outbox") == 1


async def _claimed(world: World, approval_id: str, word: str = "approve", note: str = "") -> None:
    """A claim is committed, and then its process dies."""
    args = world.sql("SELECT args FROM approval WHERE id = %s", approval_id)[0]
    by = {"name": MANAGER.name, "role": MANAGER.role, "limit_minor": MANAGER.limit_minor}
    async with one_customer(world.pool, "cust-1") as conn:
        asked = await queries.read_approval(conn, approval_id=approval_id)
        assert await queries.claim(
            conn, approval_id=approval_id, digest=asked.digest, role=asked.role,
            answer={"decision": word, "args": args, "by": by}, by=MANAGER.name, note=note, now=world.clock.now(),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("word", "state", "effects"), [("approve", "approved", 1), ("reject", "rejected", 0)]
)
async def test_a_claim_whose_process_died_is_finished_exactly_once(
    world: World, word: str, state: str, effects: int
) -> None:
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    await _claimed(world, waiting, word)
    with pytest.raises(AlreadyDecided):
        await decide.decide(engine, waiting, await world.decision(waiting), SECOND_MANAGER)
    assert (await sweep(engine)).approvals_finished == 0, "its process may still be at work"

    world.clock.advance(timedelta(minutes=3))
    told = await asyncio.gather(
        *(decide.resume_stranded(engine, waiting) for _ in range(CLICKS)),
        sweep(engine),
        return_exceptions=True,
    )

    assert len(winners([t for t in told if isinstance(t, Decided | BaseException)])) <= 1
    assert world.state(waiting) == state
    assert world.sql("SELECT decided_by FROM approval") == ["mona"]
    assert world.count("outbox") == effects
    assert world.count("fence") == 2
    assert world.checkpoints() == 0
    assert await world.chain_holds()
    assert (await sweep(engine)).approvals_finished == 0


async def test_a_stranded_answer_whose_claim_was_given_back_meanwhile_does_nothing(world: World) -> None:
    """The claim was not dead but slow: it failed and gave the approval back while the sweep was finishing it."""
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    await _claimed(world, waiting)
    world.sql(
        """CREATE FUNCTION give_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               UPDATE approval SET state = 'pending', answer = NULL, decided_by = NULL, claimed_at = NULL;
               RETURN NEW; END $$"""
    )
    world.sql("CREATE TRIGGER slow AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION give_back()")

    with pytest.raises(AlreadyDecided):
        await decide.resume_stranded(engine, waiting)

    assert world.count("outbox") == 0
    assert world.sql("SELECT state FROM approval") == ["resuming"], "the give-back rolled back with the rest"
    world.sql("DROP TRIGGER slow ON outbox")
    assert (await decide.resume_stranded(engine, waiting)).took_effect
    assert world.count("outbox") == 1


async def test_an_answer_does_not_end_a_claim_that_is_anothers_by_now(world: World) -> None:
    """Its claim was given back and somebody else rejected, all while a sweep was carrying it out."""
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    await _claimed(world, waiting)

    def reject_it(place: str) -> None:
        if place == "approval.deliberated":
            world.sql(
                """UPDATE approval SET answer = jsonb_set(answer, '{decision}', '"reject"'), decided_by = 'milo'"""
            )

    failpoints.arm(reject_it)
    try:
        with pytest.raises(AlreadyDecided):
            await decide.resume_stranded(engine, waiting)
    finally:
        failpoints.arm(None)
    assert (world.count("outbox"), world.state(waiting)) == (0, "resuming")

    assert not (await decide.resume_stranded(engine, waiting)).took_effect
    assert (world.count("outbox"), world.state(waiting)) == (0, "rejected")


async def test_a_stranded_answer_that_cannot_be_carried_out_any_more_goes_back_to_a_person(
    world: World,
) -> None:
    """Nobody is there to be told, so it waits again."""
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    await _claimed(world, waiting)
    world.clock.advance(timedelta(minutes=1))

    def moved(place: str) -> None:
        if place == "approval.deliberated":
            raise Conflict("Exactly this was done already in the same episode; reject this one.")

    failpoints.arm(moved)
    try:
        assert (await sweep(engine)).approvals_finished == 0
    finally:
        failpoints.arm(None)

    assert (world.state(waiting), world.count("outbox")) == ("pending", 0)
    assert (await decide.decide(engine, waiting, await world.decision(waiting), SECOND_MANAGER)).took_effect


async def test_an_approval_on_which_everything_fails_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.customer(segment="draft")
    engine, (broken, fine) = await world.asked(message(), FEE, text=TEXT)
    world.clock.advance(timedelta(days=3))
    close = decide.close

    async def close_most(on: Engine, approval_id: str, *said: Any) -> Decided:
        if approval_id == broken:
            raise KeyError(approval_id)
        return await close(on, approval_id, *said)

    monkeypatch.setattr(decide, "close", close_most)
    assert (await sweep(engine)).approvals_expired == 1
    assert (world.state(broken), world.state(fine)) == ("pending", "expired")


async def test_a_resume_that_fails_gives_the_claim_back_and_the_next_click_works(world: World) -> None:
    world.customer(segment="draft")
    engine, (waiting,) = await world.asked(message())
    world.sql(
        "ALTER TABLE activity_log ADD CONSTRAINT broken CHECK (action <> 'approval.approved') NOT VALID"
    )
    decision = await world.decision(waiting)

    told = await clicks(engine, waiting, [(decision, MANAGER)])
    assert not isinstance(told[0], Decided | CollectionsError)
    assert world.sql("SELECT state, answer, decided_by, claimed_at FROM approval") == [
        ("pending", None, None, None)
    ]
    assert world.count("outbox") == 0
    assert world.checkpoints() > 0

    world.sql("ALTER TABLE activity_log DROP CONSTRAINT broken")
    assert (await decide.decide(engine, waiting, decision, COLLECTOR)).took_effect
    assert world.count("outbox") == 1


async def test_two_siblings_edited_into_the_same_message_send_it_once(world: World) -> None:
    world.customer(segment="draft")
    other = message("clarify")
    engine, (first, second) = await world.asked(message(), other)
    await decide.decide(engine, first, await world.decision(first), MANAGER)

    edit = await world.decision(second, "edit", edited_args=message()["args"])
    (again,) = (await decide.decide(engine, second, edit, MANAGER)).asked_again
    approve = await world.decision(again)
    with pytest.raises(Conflict, match="done already"):
        await decide.decide(engine, again, approve, SECOND_MANAGER)

    assert world.count("outbox") == 1
    assert await world.chain_holds()
