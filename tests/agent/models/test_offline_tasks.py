"""What the offline collector does of its own accord, by task kind; and what holds for every document."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage

from agent.models.binding import bind
from agent.models.offline import OfflineCollector
from tests.agent.models.documents import TEMPLATES, brief, document, inbound, invoice, prompt, rounds
from tools.surface import TOOLS

HELD = {"invoices": [invoice(held=True)]}
EMAIL_ONLY = {"channels": ["email"]}
NOBODY: dict[str, Any] = {"channels": []}
NOT_DUE = {"invoices": [invoice(overdue=False, days_past_due=-6)]}
APPROVED = {"plans": [{"id": "p1", "state": "approved", "total": "300.00", "instalments": []}]}
DRAFT = {"tool": "generate_dunning_message", "args": {
    "purpose": "reminder", "channel": "sms", "invoices": ["i1", "i2"], "tone": "direct", "offer": None,
    "template": "reminder_2", "body": None}}  # fmt: skip
TWO = {"invoices": [invoice(), invoice("i2", "INV-1043")]}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"step": "reminder_1", "channel": "sms"}, ["speak reminder_1 sms"]),
        ({"step": "reminder_2", "channel": "email"}, ["speak reminder_2 email"]),
        ({"step": "reminder_1", "channel": "sms", "account": EMAIL_ONLY}, ["speak reminder_1 email"]),
        ({"step": "formal_notice", "channel": "email"}, ["speak formal_notice email"]),
        ({"step": "early_notice", "channel": "email", "account": NOT_DUE}, ["speak early_notice email"]),
        ({"step": "reminder_1", "account": NOBODY}, ["wait review 0"]),
        ({"step": "unheard_of"}, ["wait review 0"]),
        ({"step": "call_task"}, ["wait call_task 0"]),
        ({"step": "hand_over"}, ["wait review 0"]),
    ],
)
def test_a_ladder_step_looks_first(fields: dict[str, Any], expected: list[str]) -> None:
    look, acts = rounds(document("ladder", **fields))
    assert (brief(look), brief(acts)) == (["look"], expected)


def test_one_message_for_all_that_is_due() -> None:
    account = {
        "invoices": [invoice(), invoice("i2"), invoice("i3", disputed=True), invoice("i4", overdue=False)]
    }
    _, [call] = rounds(document("ladder", step="reminder_1", channel="sms", account=account))
    assert call["args"]["invoices"] == ["i1", "i2"]


def test_nothing_is_demanded_where_everything_is_held() -> None:
    assert rounds(document("ladder", step="reminder_1", channel="sms", account=HELD)) == [
        [{"name": "read_customer_risk", "args": {"horizon": "late_15d"}}]
    ]


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("ledger", {"event": "payment"}, [["speak receipt sms"]]),
        ("ledger", {"event": "payment", "account": NOBODY}, [["note"]]),
        ("ledger", {"event": "credit"}, [["note"]]),
        ("ledger", {"event": "dispute_opened", "account": HELD}, [["speak dispute_ack sms"]]),
        ("ledger", {"event": "dispute_closed"}, [["wait review 0"]]),
        ("ledger", {"event": "payment_reversed"}, [["wait review 0"]]),
        ("ledger", {"event": "balance_changed"}, [["note"]]),
        ("ledger", {"event": "promise_kept"}, [["note"]]),
        ("ledger", {"event": "promise_broken"}, [["look"], ["speak reminder_2 sms"]]),
        ("ledger", {"event": "promise_broken", "account": HELD}, []),
        ("ledger", {"event": "plan_approved", "account": APPROVED}, [["speak plan_offer sms"]]),
        ("ledger", {"event": "plan_approved"}, [["wait review 0"]]),
        ("follow_up", {"follow_up": {"kind": "message", "reason": "r"}}, [["look"], ["speak reminder_2 sms"]]),
        ("follow_up", {"follow_up": {"kind": "check_promise", "reason": "r"}, "account": {"invoices": []}}, []),
        ("follow_up", {"follow_up": {"kind": "review", "reason": "r"}}, [["escalation"]]),
        ("follow_up", {"follow_up": {"kind": "call_task", "reason": "r"}}, [["escalation"]]),
        ("request", {"note": "Please send a reminder"}, [["speak reminder_2 sms"]]),
        ("request", {"note": "Email them the payment link"}, [["speak payment_link_reply email"]]),
        ("request", {"note": "draft the formal notice"}, [["speak formal_notice email"]]),
        ("request", {"note": "offer the plan", "account": APPROVED}, [["speak plan_offer sms"]]),
        ("request", {"note": "please call them"}, [["wait call_task 0"]]),
        ("request", {"note": "sing a song"}, [["escalation"]]),
    ],
)  # fmt: skip
def test_what_we_start_ourselves(kind: str, fields: dict[str, Any], expected: list[list[str]]) -> None:
    assert [brief(calls) for calls in rounds(document(kind, **fields))] == expected


@pytest.mark.parametrize(
    ("note", "expected", "changed"),
    [
        ("too harsh, softer please", "speak reminder_1 sms", {"tone": "friendly"}),
        ("Use email for this one", "speak reminder_2 email", {}),
        ("leave out INV-1043", "speak reminder_2 sms", {"invoices": ["i1"]}),
        ("I would rather call", "wait call_task 0", {}),
        ("do not send anything", "escalation", {}),
        ("hmm", "escalation", {}),
    ],
)
def test_a_redraft_heeds_the_note(note: str, expected: str, changed: dict[str, Any]) -> None:
    [[call]] = rounds(document("redraft", note=note, rejected=DRAFT, channel="sms", account=TWO))
    assert brief([call]) == [expected]
    assert call["args"] != DRAFT["args"]
    assert {name: call["args"][name] for name in changed} == changed


def test_a_rejected_record_goes_to_a_person() -> None:
    rejected = {"tool": "log_collection_activity", "args": {"record": {"kind": "promise"}}}
    [calls] = rounds(document("redraft", note="no", rejected=rejected))
    assert brief(calls) == ["escalation"]


def test_only_tools_that_are_offered_are_called() -> None:
    assert OfflineCollector().invoke(prompt(inbound("I'll pay Friday"))).tool_calls == []


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[1]",
        "null",
        "",
        "{" * 5000,
        "[" * 100_000,
        '{"task": 1}',
        '{"task": {"kind": "inbound"}, "today": "9999-12-31"}',
    ],
)
def test_what_is_no_document_gets_an_answer_and_no_call(text: str) -> None:
    answer = bind(OfflineCollector()).invoke([HumanMessage(text)])
    assert answer.text
    assert answer.tool_calls == []


WORDS = st.sampled_from([
    "I'll", "pay", "friday", "the 4th", "$250", "half", "everything", "in 3 payments", "maybe", "STOP", "wrong", "paid", "call me",
    "bot?", "no", "sí", "mañana", "1/2", "el 20", "when", "INV-1042", "balance", ".", ",", "99999999999999",
])  # fmt: skip
TEXTS = st.text(max_size=120) | st.lists(WORDS, max_size=12).map(" ".join)
SUMS = st.decimals("0", "99999999", places=2).map(str)
INVOICES = st.builds(
    lambda balance, flags, days, number: invoice("i1", number, balance=balance, overdue=flags[0], disputed=flags[1], held=flags[2], payment_link=flags[3], days_past_due=days),
    SUMS, st.tuples(*[st.booleans()] * 4), st.integers(-400, 4000), st.text(max_size=12),
)  # fmt: skip
DAYS = st.dates().map(str)
PLANS = st.fixed_dictionaries({"id": st.text(max_size=5), "state": st.sampled_from(["offered", "approved", "active"]), "total": SUMS,
                               "instalments": st.lists(st.fixed_dictionaries({"on": DAYS, "amount": SUMS}), max_size=4)})  # fmt: skip
ACCOUNTS = st.fixed_dictionaries({
    "currency": st.sampled_from(["USD", "JPY", "BHD"]), "channels": st.lists(st.sampled_from(["sms", "email"]), unique=True),
    "invoices": st.lists(INVOICES, max_size=4), "plans": st.lists(PLANS, max_size=2),
    "promises": st.lists(st.fixed_dictionaries({"id": st.integers(), "amount": SUMS, "due": DAYS, "state": st.just("open")}), max_size=2),
    "templates": st.lists(st.sampled_from(sorted(TEMPLATES)), unique=True).map(lambda names: {name: TEMPLATES[name] for name in names}) | st.just(TEMPLATES),
})  # fmt: skip
DOCUMENTS = st.builds(
    lambda kind, text, account, step, event, follow_up, note, channel, today: inbound(text, account=account, channel=channel) | {"today": today}
    if kind == "inbound"
    else document(kind, account=account, step=step, event=event, channel=channel, note=note, rejected=DRAFT,
                  follow_up={"kind": follow_up, "reason": text}) | {"today": today},
    st.sampled_from(["inbound", "inbound", "inbound", "ladder", "follow_up", "ledger", "redraft", "request"]), TEXTS, ACCOUNTS,
    st.sampled_from(["reminder_1", "reminder_2", "early_notice", "formal_notice", "call_task", "hand_over", "x"]),
    st.sampled_from(["payment", "credit", "dispute_opened", "dispute_closed", "promise_broken", "plan_approved", None]),
    st.sampled_from(["message", "check_promise", "call_task", "review"]), TEXTS, st.sampled_from(["sms", "email", None]),
    st.dates().map(str),
)  # fmt: skip


@given(DOCUMENTS, st.sets(st.sampled_from([tool.name for tool in TOOLS])))
def test_every_document_is_answered_with_valid_calls_and_the_turn_ends(
    content: dict[str, Any], refuse: set[str]
) -> None:
    """At most six model calls, the last of them silent; one message at most, two where the first is refused; every argument as its type wants it."""
    made = rounds(content, refuse=sorted(refuse), most=6)
    calls = [call for proposed in made for call in proposed]
    types = {tool.name: tool.args for tool in TOOLS}
    for call in calls:
        types[call["name"]].model_validate_json(json.dumps(call["args"]))
    spoken = sum(call["name"] == "generate_dunning_message" for call in calls)
    assert spoken <= 1 + ("generate_dunning_message" in refuse)  # after a refusal: that a person has it
    assert len({json.dumps(call, sort_keys=True) for call in calls}) == len(calls)
