"""A turn is bounded, every call gets an answer, and a customer who got none gets a person."""

import asyncio
import json
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage, InvalidToolCall, ToolCall, ToolMessage
from langchain_core.outputs import ChatResult
from typing_extensions import override

from agent.models.scripted import ScriptedModel
from server import db
from tests.world import World, message, note, proposing, record, said
from tools.errors import Unavailable


def endless(*calls: dict[str, Any]) -> ScriptedModel:
    """A model that never comes to an end."""
    return ScriptedModel(script=lambda _messages, _tools: said(*calls))


def answers(model: ScriptedModel) -> list[tuple[str, str]]:
    """Text and status of every answer that the last round of the model saw."""
    return [(str(m.text), m.status) for m in model.asked[-1] if isinstance(m, ToolMessage)]


async def test_an_endless_loop_is_cut_short_and_a_person_gets_the_customer(world: World) -> None:
    world.customer()
    model = endless({"name": "read_customer_risk", "args": {"horizon": "late_7d"}})

    outcome = await world.engine(model, model_calls=5).run(await world.hears())

    assert len(model.asked) == 5
    assert world.sql("SELECT outcome FROM episode") == ["cut short: the model used up its calls"]
    assert [p.action.args["record"]["kind"] for p in outcome.proposals] == ["escalation"]
    assert world.sql("SELECT kind, assignee, talking_points->>'why' FROM follow_up") == [
        (
            "review",
            "carla",
            "The assistant could not settle this itself: look at the account and the conversation.",
        )
    ]


async def test_a_runaway_model_that_writes_does_it_a_bounded_number_of_times(world: World) -> None:
    world.customer()
    written = iter(range(10**6))
    model = ScriptedModel(
        script=lambda _messages, _tools: said(*(note(f"fact {next(written)}") for _ in range(200)))
    )

    await world.engine(model).run(await world.hears())

    assert 0 < world.count("standing_fact") <= 50
    assert world.count("decision") <= 60
    assert world.sql("SELECT outcome FROM episode")[0].startswith("cut short")
    assert world.count("follow_up", "kind = 'review'") == 1


class Slow(ScriptedModel):
    """Thinks for longer than a turn may last."""

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        await asyncio.sleep(30)
        raise AssertionError("it was to be cut short")


async def test_a_model_that_takes_too_long_is_cut_short_and_a_person_gets_the_customer(world: World) -> None:
    world.customer()
    await world.engine(Slow(), wall_seconds=0.3).run(await world.hears())

    assert world.sql("SELECT outcome FROM episode") == ["cut short: the turn took too long"]
    assert world.count("follow_up", "kind = 'review'") == 1


def fails(_messages: object, _tools: object) -> AIMessage:
    raise ConnectionError("the provider is down")


async def test_a_model_that_fails_loses_no_opt_out_and_no_message(world: World) -> None:
    """Signals are code's, not the model's: they hold while a provider is down, and a person has the rest."""
    world.customer()
    outcome = await world.engine(ScriptedModel(script=fails)).run(await world.hears("STOP"))

    assert outcome.state == "committed"
    assert world.count("suppression") == 1
    assert world.sql("SELECT outcome FROM episode") == ["cut short: the model did not answer"]
    assert world.count("follow_up", "kind = 'review'") == 1
    assert world.count("message", "handled_at IS NULL") == 0


async def test_a_model_that_fails_on_our_own_initiative_is_tried_again_later(world: World) -> None:
    world.customer()
    with pytest.raises(Unavailable, match="model did not answer"):
        await world.engine(ScriptedModel(script=fails)).run(world.step())
    assert world.count("episode") == 0

    assert (await world.engine(proposing(note())).run(world.step())).state == "committed"


@pytest.mark.parametrize("silence", [AIMessage("I am thinking of something nice to say."), AIMessage("")])
async def test_a_message_that_the_model_does_not_answer_gets_an_owner(
    world: World, silence: AIMessage
) -> None:
    world.customer(owner="marcus")
    await world.engine(ScriptedModel(script=[silence])).run(await world.hears())

    assert world.sql("SELECT kind, assignee FROM follow_up") == [("review", "marcus")]


async def test_a_message_whose_every_call_was_refused_gets_an_owner(world: World) -> None:
    world.customer()
    await world.engine(proposing(record("hardship", quote="words nobody said"))).run(await world.hears())

    assert world.count("follow_up", "kind = 'review'") == 1
    assert world.count("hold") == 0


BAD = {
    "unknown tool": ("send_money", {"amount": "5"}, "There is no such tool"),
    "a tool's name with a space": ("log_collection_activity ", {}, "There is no such tool"),
    "no name": ("", {}, "There is no such tool"),
    "missing arguments": ("schedule_follow_up", {}, "Field required"),
    "an argument too many": (
        "generate_dunning_message",
        {**message()["args"], "customer_id": "cust-2"},
        "Extra inputs",
    ),
    "a customer in a look": (
        "read_customer_risk",
        {"horizon": "late_7d", "customer_id": "cust-2"},
        "Extra inputs",
    ),
    "NUL in a text": ("log_collection_activity", record("note", text="a\x00b")["args"], ""),
    "half a surrogate": ("log_collection_activity", record("note", text="a\ud800b")["args"], ""),
    "NUL in a name": ("log_\x00", {"a\x00": "\x00"}, "There is no such tool"),
    "not a number": ("schedule_follow_up", {"in_days": float("nan"), "kind": float("inf")}, ""),
    "the end of time": (
        "schedule_follow_up",
        {"kind": "message", "on": "9999-12-31", "in_days": None, "reason": "x"},
        "Waits",
    ),
    "the beginning of time": (
        "schedule_follow_up",
        {"kind": "message", "on": "0001-01-01", "in_days": None, "reason": "x"},
        "past",
    ),
    "a huge number": ("schedule_follow_up", {"in_days": 10**40}, "Refused"),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_call_is_answered_and_recorded(world: World, case: str) -> None:
    world.customer()
    name, args, answer = BAD[case]
    model = proposing({"name": name, "args": args}, note("and this"))

    await world.engine(model).run(await world.hears())

    assert answer in answers(model)[0][0]
    assert answers(model)[1] == ("Staged.", "success")
    looked = name == "read_customer_risk"
    assert world.count("decision") == (1 if looked else 2)
    json.dumps(world.sql("SELECT args FROM decision_args"))
    assert await world.chain_holds()


async def test_arguments_that_are_no_json_and_calls_without_an_id_are_answered(world: World) -> None:
    world.customer()
    broken = AIMessage(
        "",
        invalid_tool_calls=[
            InvalidToolCall(name="x", args="{", id=None, error=None, type="invalid_tool_call")
        ],
        tool_calls=[ToolCall(name="nothing", args={}, id=None, type="tool_call")],
    )
    model = ScriptedModel(script=[broken])

    await world.engine(model).run(await world.hears())

    assert {status for _, status in answers(model)} == {"error"}
    assert len(answers(model)) == 2
    assert world.count("follow_up", "kind = 'review'") == 1


async def test_no_connection_is_held_while_the_model_thinks(world: World) -> None:
    """With one connection in the pool, a model that wants one gets it."""
    world.customer()

    def looks(messages: object, tools: object) -> AIMessage:
        # The engine holds nothing open on the database either: no transaction older than this thought.
        idle = world.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
            " AND pid <> pg_backend_pid()"
        )
        assert idle == [0]
        assert single.get_stats()["pool_available"] == 1
        return proposed.script(messages, tools)  # type: ignore[no-any-return]  # a Script

    proposed = proposing(note(), message())
    async with db.open_pool(world.conninfo, min_size=1, max_size=1) as single:
        outcome = await world.engine(ScriptedModel(script=looks), pool=single).run(await world.hears())
    assert outcome.state == "committed"
    assert world.count("outbox") == 1


async def test_ten_episodes_share_one_connection(world: World) -> None:
    for n in range(10):
        world.customer(f"k{n}")
    async with db.open_pool(world.conninfo, min_size=1, max_size=1) as single:
        engine = world.engine(proposing(note(), message()), pool=single)
        heard = [await world.hears(customer=f"k{n}") for n in range(10)]
        await asyncio.gather(*(engine.run(trigger) for trigger in heard))
    assert world.count("outbox") == 10
