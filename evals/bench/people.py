"""The customers that benchmarks talk to, and the words that both sides say: the same for every configuration."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import ClientCursor

from agent.policy.document import Policy, parse_policy
from evals.bench.place import Place
from tools import sql
from tools.company import Company

_SQL = sql.load("evals.bench")
NOW = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)  # a Tuesday, 11 in the morning in Chicago
TODAY = date(2026, 3, 10)
COMPANY = Company("Juniper Home Services", ZoneInfo("America/Chicago"), "USD")


@dataclass(frozen=True, slots=True)
class Caller:
    """One customer who writes, and from where."""

    customer_id: str
    phone: str


def policy() -> Policy:
    """The packaged policy in mode `automatic`, so that a turn ends with its message in the outbox."""
    return parse_policy('extends = "default"\n[segments.default]\nmode = "automatic"\n')


def settle(place: Place, customers: int) -> list[Caller]:
    """Put that many customers with invoices, payments and contacts into the empty database."""
    # In one piece, because invoices and what was paid on them must add up when they are committed.
    blocks = "\n".join(_SQL[name] for name in ("customers", "invoices", "payments", "base_rate"))
    with place.admin() as conn:
        ClientCursor(conn).execute(blocks, {"now": NOW, "today": TODAY, "customers": customers})
        conn.execute("ANALYZE")
    return [Caller(f"c{n}", f"+1312{5550000 + n:07}") for n in range(1, customers + 1)]


def send(place: Place) -> None:
    """Between two turns everything that was queued leaves, for none is withdrawn by the next promise in real life."""
    with place.admin() as conn:
        conn.execute(_SQL["send"])


def moment(turn: int) -> datetime:
    """When a customer's turn takes place: one a day, at the same time."""
    return NOW + timedelta(days=turn)


def words(turn: int) -> str:
    """What the customer writes: a promise in plain words, never twice the same."""
    case = 40_000 + turn  # five digits: "988" alone is a crisis line, and a signal
    return f"Hi, this is about my open invoices, case {case}. I will pay 150 dollars next Tuesday, is that all right?"


def calls(turn: int) -> list[dict[str, Any]]:
    """What the model proposes in that turn: one record, then one message, both within the policy."""
    pay_on = (moment(turn) + timedelta(days=7)).date().isoformat()
    record = {"kind": "promise", "payments": [{"amount": "150.00", "on": pay_on}], "invoices": []}
    message: dict[str, Any] = {
        "purpose": "acknowledgement", "channel": "sms", "invoices": [], "tone": "friendly", "offer": None,
        "template": "promise_ack", "body": None,
    }  # fmt: skip
    return [
        {"name": "log_collection_activity", "args": {"record": record}},
        {"name": "generate_dunning_message", "args": message},
    ]
