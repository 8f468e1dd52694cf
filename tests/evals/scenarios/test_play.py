"""Scenarios on the product itself: every kind of turn, from the ledger to what is seen."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from psycopg.conninfo import conninfo_to_dict

from agent.models.scripted import ScriptedModel
from evals.bench.place import Place
from evals.scenarios.atoms import judge
from evals.scenarios.cassette import Replay, recorded
from evals.scenarios.events import Play
from evals.scenarios.load import OURS, ours
from evals.scenarios.minds import Mind, Obedient, Oracle, nobody, offline
from evals.scenarios.play import TWO_MESSAGES, product
from evals.scenarios.rules import broken
from evals.scenarios.scenario import Scenario
from server.embedded import Server
from tests.evals.scenarios.test_rules_and_atoms import scenario as made
from tools.errors import Misconfigured


@pytest.fixture
def place(server: Server, database: str) -> Place:
    return Place(server, str(conninfo_to_dict(database)["dbname"]))


def scenario(*turns: dict[str, Any], **more: Any) -> Scenario:
    """A week late: at the first reminder."""
    late = [{"number": "A-1", "amount": "480.00", "due": "2026-03-03"}]
    return made(*turns, **{"invoices": late, **more})


async def played(place: Place, mind: Mind, *scenarios: Scenario) -> list[Play]:
    async with product(place, mind) as playing:
        return [await playing.play(one) for one in scenarios]


def calls(*calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"oracle": [{"tool": tool, "args": args} for tool, args in calls]}


PROMISE = (
    "log_collection_activity",
    {"record": {"kind": "promise", "payments": [{"amount": "150.00", "on": "2026-03-13"}]}},
)
ACK = (
    "generate_dunning_message",
    {"purpose": "acknowledgement", "channel": "sms", "template": "promise_ack"},
)
CHECK = ("schedule_follow_up", {"kind": "check_promise", "on": "2026-03-14", "reason": "It should be there."})
RECEIPT = ("generate_dunning_message", {"purpose": "receipt", "channel": "sms", "template": "receipt"})
PLAN = ("log_collection_activity", {"record": {"kind": "plan_request", "instalments": 3, "every": "month"}})
OFFER = (
    "generate_dunning_message",
    {"purpose": "plan_offer", "channel": "sms", "template": "plan_offer", "offer": "$OFFER"},
)
REMINDER = ("generate_dunning_message", {"purpose": "reminder", "channel": "email", "template": "reminder_1", "tone": "friendly", "invoices": ["A-1"]})  # fmt: skip


async def test_the_oracles_calls_are_made_and_every_kind_of_turn_is_seen(place: Place) -> None:
    whole = scenario(
        {"do": "says", "text": "150 comes Friday", **calls(PROMISE, ACK, CHECK)},
        {"do": "pays", "invoice": "A-1", "amount": "150.00", "at": "2026-03-13T10:00:00-05:00", **calls(RECEIPT)},
        {"do": "says", "text": "Can I pay the rest in three?", **calls(PLAN)},
        {"do": "decides", "decision": "approve", **calls(OFFER)},
        {"do": "passes", "at": "2026-03-14T11:00:00-05:00"},  # the receipt was that day's touch
        must=[
            {"what": "promise", "turn": 1, "amount": "150.00", "on": "2026-03-13"},
            {"what": "message", "turn": 1, "channel": "sms"},
            {"what": "follow_up", "turn": 1, "kind": "check_promise"},
            {"what": "message", "turn": 2, "purpose": "receipt"},
            {"what": "plan", "turn": 3, "status": "asked", "instalments": 3},
            {"what": "approval", "turn": 3, "of": "plan", "role": "collector"},
            {"what": "approval", "turn": 4, "of": "plan", "status": "approved"},
            {"what": "plan", "turn": 4, "status": "offered"},
            {"what": "message", "turn": 5, "purpose": "plan_offer"},
        ],
    )  # fmt: skip
    (play,) = await played(place, Oracle(), whole)
    assert judge(whole, play).missed == []
    assert play.failed is None
    assert broken(whole, play) == []
    assert play.model_calls >= 3
    assert play.prompt_tokens > 0


async def test_each_scenario_begins_on_an_empty_database(place: Place) -> None:
    one = scenario({"do": "reaches", "step": "reminder_1", **calls(REMINDER)}, must=[{"what": "message"}])
    first, second = await played(place, Oracle(), one, one)
    assert [event.model_dump() for event in first.events] == [event.model_dump() for event in second.events]
    assert judge(one, first).passed


async def test_a_reminder_at_night_waits_for_the_morning(place: Place) -> None:
    late = scenario(
        {"do": "reaches", "step": "reminder_1", "at": "2026-03-10T22:30:00-05:00", **calls(REMINDER)},
        {"do": "passes", "at": "2026-03-11T09:30:00-05:00"},
        must=[{"what": "message", "turn": 2, "purpose": "reminder"}], must_not=[{"what": "message", "turn": 1}],
    )  # fmt: skip
    (play,) = await played(place, Oracle(), late)
    assert judge(late, play).passed


async def test_history_disputes_tiers_and_holds_of_the_ledger_are_there(place: Place) -> None:
    history = [
        {"at": "2026-03-10T09:00:00-05:00", "way": "out", "purpose": "reminder", "text": "480.00 is open."},
        {"at": "2026-03-10T09:05:00-05:00", "way": "in", "text": "Who is this?"},
    ]
    step = {"do": "reaches", "step": "reminder_1", "channel": "email", **calls(REMINDER)}
    disputed = [{"number": "A-1", "amount": "480.00", "due": "2026-03-03", "disputed": True}]
    quiet = [
        scenario(step, history=history),  # one reminder a day
        scenario(step, customer={"hold": "insolvency"}),
        scenario(step, invoices=disputed),
        scenario(step, customer={"contacts": [{"channel": "email", "opted_out": True}]}),
    ]
    plays = await played(place, Oracle(), *quiet, scenario(step, customer={"tier": "high"}))
    assert [[e.what for e in play.events if e.what == "message"] for play in plays] == [[]] * 5
    assert any(event.what == "approval" for event in plays[-1].events)


async def test_two_messages_at_once_are_both_heard_and_an_email_is_read_without_its_thread(
    place: Place,
) -> None:
    split = scenario({"do": "says", "text": f"How much do I owe?{TWO_MESSAGES}and stop texting me please"})
    quoted = "How much is it?\n\nOn Mon, Mar 9, 2026 at 9:12 AM Juniper <billing@juniper.example> wrote:\n> Reply STOP to opt out\n"
    mail = scenario({"do": "says", "channel": "email", "text": quoted})
    first, second = await played(place, offline(), split, mail)
    assert any(event.what == "opt_out" for event in first.events)
    assert not any(event.what == "opt_out" for event in second.events)
    assert broken(split, first) == []


async def test_whoever_thinks_nothing_happens_without_a_permit(place: Place) -> None:
    some = ours(OURS)[::30]
    for mind in (Obedient(1), nobody()):
        for one, play in zip(some, await played(place, mind, *some), strict=True):
            assert broken(one, play) == [], (mind.name, one.id)


async def test_what_an_agent_raises_fails_the_scenario_and_not_the_run(place: Place) -> None:
    gone = scenario({"do": "pays", "invoice": "A-1"}, {"do": "says", "text": "hello", "channel": "email"})
    broken_turn = gone.model_copy(update={"customer": gone.customer.model_copy(update={"contacts": []})})
    first, second = await played(place, offline(), broken_turn, gone)
    assert first.failed is None or first.failed.startswith("turn")
    assert second.failed is None


async def test_a_cassette_replays_what_was_recorded_and_fails_what_was_not(
    place: Place, tmp_path: Path
) -> None:
    asked = scenario({"do": "says", "text": "How much do I owe?"}, must=[{"what": "message"}])
    other = scenario({"do": "says", "text": "What do I owe you today?"}, must=[{"what": "message"}])
    (live,) = await played(place, recorded("recorded", offline().model, tmp_path), asked)
    again, unknown = await played(place, Replay(tmp_path), asked, other)
    assert [event.model_dump() for event in again.events] == [event.model_dump() for event in live.events]
    assert again.failed is None
    assert unknown.failed == "1 questions stand on no cassette"
    with pytest.raises(Misconfigured, match="no recorded answers"):
        Replay(tmp_path / "empty")


async def test_a_scripted_model_that_only_repeats_itself_is_cut_short_and_reported(place: Place) -> None:
    class Stubborn(Oracle):
        name = "stubborn"

        def __init__(self) -> None:
            super().__init__()
            self.model = ScriptedModel(script=lambda _m, _t: AIMessage(""))

    (play,) = await played(place, Stubborn(), scenario())
    assert any(event.what == "task" for event in play.events)
