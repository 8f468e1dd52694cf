"""The customers that benchmarks talk to, and the words that both stacks' model says: the same for everybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage

from agent.policy.document import Policy, parse_policy
from evals.bench.place import Place
from tools import sql
from tools.company import Company

_SQL = sql.load("evals.bench")
NOW = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)  # a Tuesday, 11 in the morning in Chicago
TODAY = date(2026, 3, 10)
COMPANY = Company("Juniper Home Services", ZoneInfo("America/Chicago"), "USD")
_PAY_ON = (TODAY + timedelta(days=7)).isoformat()
# What the model proposes in a turn: one record, then one message, both within the policy.
RECORD = {"record": {"kind": "promise", "payments": [{"amount": "150.00", "on": _PAY_ON}], "invoices": []}}
MESSAGE = {
    "purpose": "acknowledgement", "channel": "sms", "invoices": [], "tone": "friendly", "offer": None,
    "template": "promise_ack", "body": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Caller:
    """One customer who writes: where from, and which words."""

    customer_id: str
    phone: str
    number: int


def policy() -> Policy:
    """The packaged policy in mode `automatic`, so that a turn ends with its message in the outbox."""
    return parse_policy('extends = "default"\n[segments.default]\nmode = "automatic"\n')


def settle(place: Place, customers: int) -> list[Caller]:
    """Put that many customers with invoices, payments and contacts into the database."""
    given = {"now": NOW, "today": TODAY, "customers": customers}
    with place.admin() as conn:
        with conn.transaction():  # invoices and what was paid on them must add up when it commits
            for block in ("customers", "invoices", "payments", "base_rate"):
                conn.execute(_SQL[block], given)
        conn.execute("ANALYZE")
    return [Caller(f"c{n}", f"+1312{5550000 + n:07}", n) for n in range(1, customers + 1)]


def words(turn: int) -> str:
    """What the customer writes: a promise in plain words, never twice the same."""
    return f"Hi, this is about my open invoices, case {turn}. I will pay 150 dollars next Tuesday, is that all right?"


def instant(messages: Sequence[BaseMessage], _tools: Sequence[Mapping[str, Any]] = ()) -> AIMessage:
    """The model of every configuration: it records the promise, then writes, then is done, at no cost."""
    calls = 0
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            break
        calls += isinstance(message, ToolMessage)
    if calls == 0:
        return AIMessage(
            "",
            tool_calls=[ToolCall(name="log_collection_activity", args=RECORD, id="call_1", type="tool_call")],
        )
    if calls == 1:
        return AIMessage(
            "",
            tool_calls=[
                ToolCall(name="generate_dunning_message", args=MESSAGE, id="call_2", type="tool_call")
            ],
        )
    return AIMessage("Thank you. We have noted your promise.")
