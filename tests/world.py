"""A world to run episodes in: customers on a real database, people who decide, engines with any model and policy.

It is the same Tuesday as in tests/builders.py. What happens while a model thinks happens on a connection of the
world's own, beside the engine's pool.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString, cast
from zoneinfo import ZoneInfo

import psycopg
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall

from agent.approvals.model import Decision, User
from agent.approvals.queries import list_approvals, read_approval
from agent.deps import Bounds, Deps, Pool
from agent.engine.run import Engine, Outcome
from agent.engine.trigger import Trigger, inbound
from agent.models.scripted import ScriptedModel
from agent.policy.document import Policy, load_policy, parse_policy
from agent.policy.gate import Gate
from tools.activity.chain import verify
from tools.clock import FrozenClock
from tools.company import Company
from tools.memory.messages import store_inbound

NOW = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
TODAY = date(2026, 3, 10)
COMPANY = Company("Juniper Home Services", ZoneInfo("America/Chicago"), "USD")
COLLECTOR = User("carla", "collector", 500_000)
MANAGER = User("mona", "manager", 10_000_000)
SECOND_MANAGER = User("milo", "manager", 10_000_000)
MODES = ("observe", "draft", "assisted", "automatic")
# Every table that only an effect writes. Contacts are the ledger's too, so theirs are told apart by their source.
EFFECTS: Mapping[str, LiteralString] = {
    "outbox": "SELECT decision_id FROM outbox",
    "follow_up": "SELECT decision_id FROM follow_up",
    "promise": "SELECT decision_id FROM promise",
    "payment_plan": "SELECT decision_id FROM payment_plan",
    "hold": "SELECT decision_id FROM hold",
    # One without a decision is a restriction; whoever imposed it on us is in the ledger of consent.
    "suppression": """SELECT decision_id FROM suppression s WHERE decision_id IS NOT NULL OR NOT EXISTS
        (SELECT FROM consent_event e WHERE e.customer_id = s.customer_id AND e.change = s.reason)""",
    "dispute": "SELECT decision_id FROM dispute WHERE source <> 'ledger'",
    "standing_fact": "SELECT decision_id FROM standing_fact",
    "contact": "SELECT substr(consent_source, 10)::bigint FROM contact WHERE consent_source LIKE 'decision %%'",
}


def policy(extra: str = "") -> Policy:
    """The packaged policy with one segment for each mode, called as the mode is."""
    segments = "".join(f'[segments.{mode}]\nmode = "{mode}"\n' for mode in MODES)
    return parse_policy(load_policy().text + segments + extra)


def message(template: str | None = "balance_reply", **given: Any) -> dict[str, Any]:
    """A call that proposes a message: an answer by text message unless told otherwise."""
    args = {
        "purpose": "reply", "channel": "sms", "invoices": [], "tone": "service", "offer": None, "template": template,
        "body": None if template else "You owe {{balance}}.", **given,
    }  # fmt: skip
    return {"name": "generate_dunning_message", "args": args}


def reminder(invoices: Sequence[str] = ("inv-1",), **given: Any) -> dict[str, Any]:
    """A call that proposes the first reminder, by e-mail."""
    defaults = {"template": "reminder_1", "purpose": "reminder", "channel": "email", "tone": "friendly"}
    return message(**{**defaults, "invoices": list(invoices), **given})


def record(kind: str, **given: Any) -> dict[str, Any]:
    """A call that proposes one record."""
    return {"name": "log_collection_activity", "args": {"record": {"kind": kind, **given}}}


def note(text: str = "Pays after the fifteenth.") -> dict[str, Any]:
    """A record that is always allowed."""
    return record("note", text=text)


def follow_up(kind: str = "message", *, in_days: int | None = 5, on: str | None = None) -> dict[str, Any]:
    """A call that proposes a follow-up."""
    args = {"kind": kind, "on": on, "in_days": in_days, "reason": "look again"}
    return {"name": "schedule_follow_up", "args": args}


def far_follow_up() -> dict[str, Any]:
    """One that is so far away that a collector is asked."""
    return follow_up(in_days=None, on=(TODAY + timedelta(days=100)).isoformat())


def said(*calls: Mapping[str, Any]) -> AIMessage:
    """The model's answer that makes these calls."""
    made = [
        ToolCall(name=c["name"], args=dict(c["args"]), id=f"call_{n}", type="tool_call")
        for n, c in enumerate(calls)
    ]
    return AIMessage("" if made else "done", tool_calls=made)


def proposing(*calls: Mapping[str, Any], meanwhile: Callable[[], object] = lambda: None) -> ScriptedModel:
    """A model that makes these calls once in every run; `meanwhile` happens while it first thinks."""
    waiting = [meanwhile]

    def think(messages: Sequence[BaseMessage], _: Sequence[Mapping[str, Any]]) -> AIMessage:
        if waiting:
            waiting.pop()()
        return said(*calls) if isinstance(messages[-1], HumanMessage) else AIMessage("done")

    return ScriptedModel(script=think)


@dataclass(slots=True)
class World:
    """One database and one clock. Everything with a default has one that is healthy."""

    conninfo: str
    pool: Pool
    clock: FrozenClock
    beside: psycopg.Connection[tuple[Any, ...]]
    _said: int = field(default=0)

    def sql(self, query: LiteralString, *params: Any) -> list[Any]:
        """Run a statement beside the engine and commit it: its rows, or their values where they have one column."""
        cursor = self.beside.execute(query, params)
        rows = cursor.fetchall() if cursor.description else []
        return [row[0] for row in rows] if cursor.description and len(cursor.description) == 1 else rows

    def count(self, table: str, where: str = "true") -> int:
        """Rows of a table."""
        return int(self.sql(f"SELECT count(*) FROM {table} WHERE {where}")[0])

    def customer(self, customer: str = "cust-1", segment: str = "assisted", **given: Any) -> None:
        """A business in Chicago with an e-mail address, a mobile number, one late invoice and a good history."""
        columns = {
            "name": "Quillfeather Bakery", "kind": "business", "owner": "carla", "language": "en", **given
        }  # fmt: skip
        self.sql(
            """INSERT INTO customer (id, ext_system, ext_id, ext_fetched_at, raw_hash, name, kind, currency, time_zone,
                                     region, segment, owner, language, terms_days)
               VALUES (%s, 'csv', %s, %s, '', %s, %s, 'USD', 'America/Chicago', 'IL', %s, %s, %s, 30)""",
            customer, customer, self.clock.now(), columns["name"], columns["kind"], segment, columns["owner"],
            columns["language"],
        )  # fmt: skip
        number = f"+1312555{1000 + self.count('customer'):04}"
        for channel, address in (("email", f"billing@{customer}.example"), ("sms", number)):
            self.contact(customer, channel, address)
        self.invoice("inv-1" if customer == "cust-1" else f"inv-{customer}", customer)

    def contact(self, customer: str, channel: str, address: str) -> None:
        """A verified contact point with consent."""
        self.sql(
            """INSERT INTO contact (id, customer_id, name, channel, address, verified_at, consent)
               VALUES (%s, %s, 'Odalys Brambleworth', %s, %s, %s, 'granted')""",
            f"{customer}-{channel}" + ("" if f"@{customer}." in address or channel == "sms" else "-2"), customer, channel,
            address, NOW - timedelta(days=90),
        )  # fmt: skip

    def invoice(
        self, invoice: str, customer: str = "cust-1", *, days_late: int = 6, minor: int = 100_000
    ) -> None:
        """An open invoice, 1,000.00 and six days late."""
        due = TODAY - timedelta(days=days_late)
        self.sql(
            """INSERT INTO invoice (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, number, issue_date,
                                    due_date, currency, total_minor, balance_minor, ledger_state, job_notes)
               VALUES (%s, 'csv', %s, %s, '', %s, %s, %s, %s, 'USD', %s, %s, 'open', 'gate code 4711, dog Brutus')""",
            invoice, invoice, NOW, customer, f"No-{invoice}", due - timedelta(days=30), due, minor, minor,
        )  # fmt: skip

    def paid(self, invoice: str = "inv-1", *, on: date = TODAY, event: bool = False) -> None:
        """The ledger shows the invoice as paid in full; `event` announces it, as an import does."""
        with self.beside.transaction():
            customer, minor = self.sql("SELECT customer_id, total_minor FROM invoice WHERE id = %s", invoice)[
                0
            ]
            self.sql(
                """INSERT INTO payment (id, ext_system, ext_id, ext_fetched_at, raw_hash, customer_id, paid_on,
                                        amount_minor, currency, status)
                   VALUES (%s, 'csv', %s, %s, '', %s, %s, %s, 'USD', 'succeeded')""",
                f"pay-{invoice}", f"pay-{invoice}", NOW, customer, on, minor,
            )  # fmt: skip
            self.sql(
                """INSERT INTO allocation (id, customer_id, payment_id, invoice_id, amount_minor, applied_on)
                   VALUES (%s, %s, %s, %s, %s, %s)""",
                f"alloc-{invoice}", customer, f"pay-{invoice}", invoice, minor, on,
            )  # fmt: skip
            self.sql(
                "UPDATE invoice SET paid_minor = total_minor, balance_minor = 0, ledger_state = 'paid' WHERE id = %s",
                invoice,
            )
            if event:
                self.sql(
                    "INSERT INTO ledger_event (customer_id, kind, ref, at) VALUES (%s, 'payment', %s, %s)",
                    customer, f"pay-{invoice}", self.clock.now(),
                )  # fmt: skip

    def opted_out(self, customer: str = "cust-1") -> None:
        """Every contact point of the customer is opted out."""
        self.sql("UPDATE contact SET opted_out_at = %s WHERE customer_id = %s", self.clock.now(), customer)

    def disputed(self, invoice: str = "inv-1") -> None:
        """The ledger shows the invoice as disputed."""
        customer = self.sql("SELECT customer_id FROM invoice WHERE id = %s", invoice)[0]
        self.sql(
            "INSERT INTO dispute (id, customer_id, reason, source) VALUES (%s, %s, 'quality', 'ledger')",
            f"dispute-{invoice}", customer,
        )  # fmt: skip
        self.sql("INSERT INTO dispute_invoice VALUES (%s, %s, %s)", f"dispute-{invoice}", invoice, customer)

    def engine(
        self, model: BaseChatModel, *, pool: Pool | None = None, policy: Policy | None = None, **bounds: Any
    ) -> Engine:
        """An engine with this model; its policy has one segment for each mode."""
        gate = Gate(policy or _POLICY)
        self.sql(
            "INSERT INTO policy_version VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            gate.policy.version, gate.policy.text, NOW,
        )  # fmt: skip
        return Engine(Deps(pool or self.pool, self.clock, model, "scripted", gate, COMPANY, Bounds(**bounds)))

    async def hears(
        self, text: str = "How much do I owe?", customer: str = "cust-1", channel: str = "sms"
    ) -> Trigger:
        """Store what the customer wrote, and give the trigger of its episode."""
        self._said += 1
        async with self.pool.connection() as conn:
            message_id, _ = await store_inbound(
                conn, customer_id=customer, contact_id=f"{customer}-{channel}", channel=cast(Any, channel), body=text,
                provider_id=f"in-{self._said}", at=self.clock.now(),
            )  # fmt: skip
        return inbound(customer, message_id)

    def step(self, step: str = "reminder_1", customer: str = "cust-1", invoice: str = "inv-1") -> Trigger:
        """The trigger of a ladder step, as the cycle makes it."""
        key = f"ladder:{customer}:{invoice}:{step}"
        return Trigger("ladder", customer, key, step=step, channel="email", anchor_invoice_id=invoice)

    async def asked(
        self, *calls: Mapping[str, Any], customer: str = "cust-1", text: str = "How much do I owe?"
    ) -> tuple[Engine, list[str]]:
        """An engine, and the approvals that these calls came to in an episode that a message opened."""
        engine = self.engine(proposing(*calls))
        outcome: Outcome = await engine.run(await self.hears(text, customer))
        return engine, list(outcome.approvals)

    async def decision(self, approval_id: str, word: str = "approve", **given: Any) -> Decision:
        """A decision of what waits there now."""
        async with self.pool.connection() as conn:
            digest = (await read_approval(conn, approval_id=approval_id)).digest
        return Decision.model_validate({"decision": word, "action_digest": digest, **given})

    async def pending(self) -> list[str]:
        """Ids of the approvals that wait."""
        async with self.pool.connection() as conn:
            return [row["id"] for row in await list_approvals(conn)]

    def state(self, approval_id: str) -> str:
        """The state of an approval."""
        return str(self.sql("SELECT state FROM approval WHERE id = %s", approval_id)[0])

    def effects(self) -> dict[str, int]:
        """Rows of each table that effects write, without the empty ones."""
        counts = {table: len(self.sql(query)) for table, query in EFFECTS.items()}
        return {table: count for table, count in counts.items() if count}

    def without_decision(self) -> list[tuple[str, int]]:
        """Effects whose decision does not allow them: none, ever."""
        allowed = set(self.sql("SELECT id FROM decision WHERE verdict = 'allow'"))
        return [(t, d) for t, query in EFFECTS.items() for d in self.sql(query) if d not in allowed]

    def checkpoints(self) -> int:
        """Rows in the tables of the checkpointer."""
        return sum(self.count(t) for t in ("checkpoints", "checkpoint_blobs", "checkpoint_writes"))

    async def chain_holds(self) -> bool:
        """Whether the activity log verifies."""
        async with self.pool.connection() as conn, conn.transaction():
            return not (await verify(conn)).broken

    def user(self, user: User) -> User:
        """Store somebody who may decide, for what looks them up."""
        self.sql(
            "INSERT INTO app_user (name, role, limit_minor, created_at) VALUES (%s, %s, %s, %s)",
            user.name, user.role, user.limit_minor, NOW,
        )  # fmt: skip
        return user


_POLICY = policy()


def open_beside(conninfo: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection for the world's own statements."""
    return psycopg.connect(conninfo, autocommit=True)
