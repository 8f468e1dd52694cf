"""One trigger is one episode, one episode is one commit, and what moved meanwhile is never committed."""

import asyncio
from collections.abc import Callable, Sequence

import psycopg
import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from agent.engine.run import Outcome
from agent.engine.trigger import Trigger
from agent.models.scripted import ScriptedModel
from tests.world import World, far_follow_up, follow_up, message, note, proposing, record, reminder, said
from tools.errors import Conflict

ONCE = ("fence", "episode", "outbox", "standing_fact", "ladder_step")


async def test_an_episode_commits_its_decisions_effects_message_and_log_together(world: World) -> None:
    world.customer()
    heard = await world.hears()

    outcome = await world.engine(proposing(note(), message())).run(heard)

    assert outcome.state == "committed"
    assert world.sql("SELECT tool, verdict FROM decision ORDER BY position") == [
        ("log_collection_activity", "allow"),
        ("generate_dunning_message", "allow"),
    ]
    assert world.effects() == {"outbox": 1, "standing_fact": 1}
    assert world.without_decision() == []
    assert world.sql("SELECT turn_key FROM fence") == [heard.turn_key]
    body, episode = world.sql(
        "SELECT m.body, m.episode_id FROM outbox o JOIN message m ON m.id = o.message_id"
    )[0]
    assert "$1,000.00" in body
    assert episode == outcome.episode_id
    assert world.sql("SELECT action FROM activity_log ORDER BY seq") == [
        "message.received",
        "decision.allowed",
        "decision.allowed",
    ]
    assert world.count("message", "direction = 'in' AND handled_at IS NOT NULL") == 1
    assert await world.chain_holds()


async def test_the_same_trigger_again_is_fenced_and_asks_no_model(world: World) -> None:
    world.customer()
    engine, heard = world.engine(proposing(note(), message())), await world.hears()
    await engine.run(heard)
    before = {table: world.count(table) for table in ONCE}
    silent = ScriptedModel()

    again = await world.engine(silent).run(heard)

    assert (again.state, again.proposals) == ("fenced", ())
    assert silent.asked == []
    assert {table: world.count(table) for table in ONCE} == before


@pytest.mark.parametrize("opens", ["message", "ladder"])
async def test_one_trigger_run_five_times_at_once_commits_once(world: World, opens: str) -> None:
    world.customer()
    trigger = await world.hears() if opens == "message" else world.step()
    engine = world.engine(proposing(reminder() if opens == "ladder" else message(), note()))

    outcomes = await asyncio.gather(*(engine.run(trigger) for _ in range(5)))

    assert sorted(o.state for o in outcomes) == ["committed", "fenced", "fenced", "fenced", "fenced"]
    assert world.effects() == {"outbox": 1, "standing_fact": 1}
    assert world.count("decision") == 2
    assert world.count("ladder_step") == (opens == "ladder")
    assert await world.chain_holds()


MOVES: dict[str, Callable[[World], object]] = {
    "paid": World.paid,
    "opted out": World.opted_out,
    "disputed": World.disputed,
    "balance": lambda world: world.invoice("inv-2", minor=999_900),
    "merged": lambda world: world.sql("UPDATE customer SET status = 'archived'"),
}


@pytest.mark.parametrize("move", MOVES)
async def test_what_moves_while_the_model_thinks_is_judged_anew_and_nothing_stale_is_committed(
    world: World, move: str
) -> None:
    """The reminder was right when the model proposed it, and would be wrong when it is committed."""
    world.customer()
    model = proposing(reminder(), meanwhile=lambda: MOVES[move](world))

    outcome = await world.engine(model).run(world.step())

    assert len([asked for asked in model.asked if len(asked) == 2]) == 2, "the episode ran again"
    assert outcome.state == "committed"
    assert not any(p.allowed for p in outcome.proposals)
    assert world.count("outbox") == 0
    assert world.count("decision", "verdict = 'allow'") == 0
    assert world.count("episode") == 1


async def test_what_moves_without_changing_a_ruling_does_not_run_the_episode_again(world: World) -> None:
    world.customer()
    model = proposing(message(), meanwhile=lambda: world.sql("UPDATE customer SET owner = 'marcus'"))

    await world.engine(model).run(await world.hears())

    assert len([asked for asked in model.asked if len(asked) == 2]) == 1
    assert world.count("outbox") == 1


async def test_facts_that_never_hold_still_end_in_a_conflict_with_nothing_done(world: World) -> None:
    world.customer()

    def move(messages: Sequence[BaseMessage], tools: object) -> AIMessage:
        world.sql("UPDATE invoice SET due_date = due_date - 1")
        return said(reminder()) if isinstance(messages[-1], HumanMessage) else AIMessage("done")

    with pytest.raises(Conflict, match="kept changing"):
        await world.engine(ScriptedModel(script=move)).run(world.step())

    assert [world.count(table) for table in ("fence", "episode", "decision", "outbox", "activity_log")] == [
        0
    ] * 5


async def test_a_commit_that_fails_leaves_nothing_and_the_same_trigger_works_afterwards(world: World) -> None:
    world.customer()
    world.sql("ALTER TABLE activity_log ADD CONSTRAINT broken CHECK (action <> 'decision.allowed') NOT VALID")
    engine, heard = world.engine(proposing(note(), far_follow_up(), message())), await world.hears()

    with pytest.raises(psycopg.errors.CheckViolation):
        await engine.run(heard)
    left = [world.count(t) for t in ("fence", "episode", "decision", "approval", "outbox", "activity_log")]
    assert left == [0] * 6
    assert world.effects() == {}
    assert world.checkpoints() == 0
    assert world.count("message", "handled_at IS NOT NULL OR direction = 'out'") == 0

    world.sql("ALTER TABLE activity_log DROP CONSTRAINT broken")
    assert (await engine.run(heard)).state == "committed"
    assert world.count("outbox") == 1


@pytest.mark.parametrize("says", ["How much do I owe?", "I will pay it all on Friday."])
async def test_ten_messages_of_one_customer_at_once_are_each_answered(world: World, says: str) -> None:
    world.customer()
    friday = {"amount": "100.00", "on": "2026-03-13"}
    calls = [record("promise", payments=[friday], invoices=[])] if "Friday" in says else []
    engine = world.engine(proposing(*calls, message()))
    heard = [await world.hears(says) for _ in range(10)]

    async def until_done(trigger: Trigger) -> Outcome:
        """What the queue does: a conflict is tried again."""
        while True:
            try:
                return await engine.run(trigger)
            except Conflict:
                continue

    await asyncio.gather(*(until_done(trigger) for trigger in heard))

    assert world.count("message", "direction = 'in' AND handled_at IS NULL") == 0
    assert world.count("episode") == 10
    assert len(set(world.sql("SELECT reply_to FROM outbox"))) == 10
    assert await world.chain_holds()


async def test_a_follow_up_in_the_same_words_twice_in_a_turn_is_one(world: World) -> None:
    world.customer()
    outcome = await world.engine(proposing(follow_up(), follow_up())).run(await world.hears())

    assert len([p for p in outcome.proposals if p.action.tool == "schedule_follow_up"]) == 1
    assert world.count("follow_up", "kind = 'message'") == 1


async def test_a_signal_and_the_model_s_record_of_it_place_one_hold(world: World) -> None:
    """Two holds for one dispute would both wait for a person to lift them."""
    world.customer()
    words = "I dispute this invoice, the work was never finished."
    dispute = record(
        "dispute", reason="quality", invoices=["inv-1"], amount=None, quote="I dispute this invoice"
    )
    await world.engine(proposing(dispute)).run(await world.hears(words))

    assert world.count("hold") == 1
    assert world.count("dispute") == 1


@pytest.mark.parametrize(
    ("words", "disputed"),
    [
        ("The 250.00 one is wrong, I dispute it. The work was never finished.", ["inv-2"]),
        ("Invoice 2 is wrong, the work was never finished.", ["inv-2"]),
        ("I dispute this, the work was never finished.", ["inv-1", "inv-2"]),
        ("I dispute invoice 77, the work was never finished.", ["inv-1", "inv-2"]),
    ],
)
async def test_a_dispute_of_everything_is_narrowed_to_what_the_customers_words_name_and_no_further(
    world: World, words: str, disputed: list[str]
) -> None:
    """Code knows an invoice by its number; that "the 250.00 one" is one, the model says and the words must bear out."""
    world.customer()
    world.invoice("inv-2", minor=25_000)
    narrow = record("dispute", reason="quality", invoices=["inv-2"], amount=None, quote=words)
    await world.engine(proposing(narrow)).run(await world.hears(words))
    assert sorted(world.sql("SELECT invoice_id FROM dispute_invoice")) == disputed
    assert world.sql("SELECT invoice_ids FROM hold") == [None]  # the rest waits for a person all the same


async def test_an_opt_out_that_code_took_for_one_channel_may_be_one_of_all_and_never_of_less(
    world: World,
) -> None:
    world.customer()
    words = "Stop texting me."
    less = record("opt_out", scope="email", quote=words)
    await world.engine(proposing(less)).run(await world.hears(words))
    assert world.sql("SELECT channel FROM suppression") == ["sms"]
    more = record("opt_out", scope="all", quote=words)
    await world.engine(proposing(more)).run(await world.hears(words))
    assert None in world.sql("SELECT channel FROM suppression")


async def test_a_step_that_was_refused_and_left_only_a_task_did_not_run(world: World) -> None:
    """The escalation after a refusal is no dunning step: the ladder would skip a message that nobody sent."""
    world.customer()
    person = record("escalation", why="other", quote=None)
    await world.engine(proposing(person)).run(world.step())

    assert world.count("follow_up") == 1
    assert world.count("ladder_step") == 1
    assert world.count("ladder_step_ran") == 0
