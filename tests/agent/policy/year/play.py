"""Play a life: every attempt goes to the product's gate, is queued or asked, is judged again when it is due, and leaves."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from agent.policy.gate import Gate
from agent.policy.ladder import due_step
from agent.policy.verdict import Allow, Approver, Ask, Facts, Inbound, Risk
from tests.agent.policy.year.lives import ANSWERS, BEGINS, Heard, Life
from tests.builders import (
    a_contact,
    a_customer,
    a_dispute,
    a_draft,
    a_hold,
    a_message,
    a_plan,
    a_promise,
    a_reply,
    a_suppression,
    an_account,
    an_invoice,
)  # fmt: skip
from tools.ledger.model import Account, LadderStep, Touch
from tools.spec import Action

COMPANY = ZoneInfo("America/Chicago")
_MANAGER = Approver("mona", "manager", 10**12)


@dataclass(frozen=True)
class Message:
    """One message at the moment in which it was judged; `approved` by a person, `read` when the ledger was."""

    at: datetime
    channel: str
    purpose: str
    template: str | None
    invoices: Sequence[str]
    reply_to: Heard | None
    approved: bool
    read: datetime
    step: str | None
    anchor: str | None


Judged = Callable[[Message, bool], None]  # what was judged, and whether it left then


@dataclass
class _Plan:
    """An attempt on its way: first judged, then perhaps approved, then due."""

    action: Action
    trigger: str
    heard: Heard | None
    step: str | None
    anchor: str | None
    age: timedelta
    approver: Approver | None = None
    outbox_id: int | None = None
    tries: int = 0


@dataclass
class Player:
    """Plays one life under one gate. `judged` hears of every message that was judged."""

    gate: Gate
    life: Life
    judged: Judged
    touches: list[Touch] = field(default_factory=list)
    ladder: list[LadderStep] = field(default_factory=list)

    def play(self) -> None:
        """The whole year."""
        order = count()
        due: list[tuple[datetime, int, Any]] = [
            (at, next(order), (what, dice)) for at, what, dice in self.life.attempts
        ]
        heapq.heapify(due)
        while due:
            at, _, item = heapq.heappop(due)
            plan = item if isinstance(item, _Plan) else self._attempt(at, *item)
            if plan is not None and (later := self._judge(at, plan)) is not None:
                heapq.heappush(due, (later, next(order), plan))

    def _judge(self, now: datetime, plan: _Plan) -> datetime | None:
        """Judge it now: it leaves, or waits (when to look again), or comes to nothing."""
        read = now - (plan.age if plan.outbox_id is None else timedelta(minutes=1))
        facts = self._facts(now, plan, read)
        if plan.action.args["invoices"] == [] and plan.action.args["purpose"] in (
            "reminder",
            "formal_notice",
        ):
            return None
        verdict = self.gate.rule(plan.action, facts, plan.approver).verdict
        leaves = isinstance(verdict, Allow) and verdict.not_before is None
        args, approved = plan.action.args, plan.approver is not None
        self.judged(
            Message(now, args["channel"], args["purpose"], args["template"], args["invoices"], plan.heard, approved, read, plan.step, plan.anchor),
            leaves,
        )  # fmt: skip
        if plan.outbox_id is not None:
            self.touches = [touch for touch in self.touches if touch.outbox_id != plan.outbox_id]
            self.ladder = [step for step in self.ladder if step.at != _mark(plan.outbox_id)]
        if (
            isinstance(verdict, Ask)
            and plan.approver is None
            and plan.outbox_id is None
            and plan.age.seconds % 5 < 3
        ):
            plan.approver, plan.age = _MANAGER, timedelta(minutes=2)
            return now + timedelta(hours=1 + plan.age.seconds % 40)
        if not isinstance(verdict, Allow) or (plan.tries > 9 and not leaves):
            return None
        plan.tries += 1
        plan.outbox_id = plan.outbox_id or self._next_id()
        leaves_at = verdict.not_before or now
        state = "sent" if leaves else "queued"
        reply_to = plan.heard.id if plan.heard else None
        self.touches.insert(
            0,
            Touch(
                plan.outbox_id, leaves_at, args["channel"], args["purpose"], args["template"], reply_to, state
            ),
        )
        if plan.step is not None and plan.anchor is not None:
            self.ladder.append(LadderStep(plan.anchor, plan.step, args["invoices"], _mark(plan.outbox_id)))
        return None if leaves else leaves_at

    def _next_id(self) -> int:
        self._ids = getattr(self, "_ids", 0) + 1
        return self._ids

    def _attempt(self, now: datetime, what: str, dice: int) -> _Plan | None:
        account = self._account(now, now)
        kind, _, number = what.partition(" ")
        heard = next((h for h in self.life.heard if number and h.id == int(number)), None)
        channel = heard.channel if heard and dice % 8 else ("email", "sms")[dice % 2]
        age = (
            timedelta(minutes=dice % 20, seconds=dice % 60)
            if self.life.connector
            else timedelta(hours=dice % 200)
        )
        if kind == "reply" and heard is not None:
            return _Plan(_answer(heard, channel, dice), "inbound", heard, None, None, age)
        overdue = [
            invoice.id
            for invoice in account.overdue()
            if invoice.id not in account.held_ids() or dice % 3 == 0
        ]
        due = due_step(account, self.gate.policy.ladder("default"), "low")
        step, anchor = (due.step.step, due.anchor.id) if due else (None, None)
        template = (
            due.step.template
            if due and due.step.purpose == "reminder"
            else ("reminder_1", "reminder_2")[dice % 2]
        )
        purpose = "reminder"
        if kind == "formal":
            purpose = template = "formal_notice"
        elif kind == "early":
            purpose = template = "early_notice"
            overdue = [i.id for i in account.invoices if not i.is_overdue(account.today)][:1]
        elif kind == "any":
            step, anchor = ("reminder_1", overdue[0]) if overdue and dice % 2 else (None, None)
        named = overdue or [bill.id for bill in self.life.bills[:1]]
        action = a_message(purpose=purpose, template=template, channel=channel, invoices=named)
        return _Plan(action, "inbound" if heard else "ladder", heard, step, anchor, age)

    def _facts(self, now: datetime, plan: _Plan, read: datetime) -> Facts:
        heard, inbound = plan.heard, None
        if heard is not None:
            others = sum(t.reply_to == heard.id and t.outbox_id != plan.outbox_id for t in self.touches)
            inbound = Inbound(
                heard.id, heard.channel, f"contact-{heard.channel}", "wrong_party" not in heard.signals, heard.signals, "", others, heard.at
            )  # fmt: skip
        return Facts(
            account=self._account(now, read), risk=Risk("low", 0.1), trigger=plan.trigger,  # type: ignore[arg-type]  # one of two words
            now=now, zone_key="America/Chicago", ladder_step=plan.step, inbound=inbound, draft=a_draft(plan.action.args),
            outbox_id=plan.outbox_id, pays_by_mail=self.life.pays_by_mail,
        )  # fmt: skip

    def _account(self, now: datetime, read: datetime) -> Account:
        life, today = self.life, now.astimezone(COMPANY).date()
        recent = now - timedelta(days=30)
        wish = next((w.what for w in life.wishes if w.at(now)), None)
        hours = {"start": wish[0], "end": wish[1]} if wish else None
        phone = life.place.phone
        contacts = [
            a_contact(consent=life.consents["email"], quiet_hours=hours),
            a_contact(channel="sms", address=phone, consent=life.consents["sms"], quiet_hours=hours),
        ]
        bills = [b for b in life.bills if b.paid is None or today < b.paid]
        known = [b for b in bills if b.due - timedelta(days=30) <= today]
        return an_account(
            today=today, now=now, ledger_as_of=read, ledger_system="books" if life.connector else "file", contacts=contacts,
            customer=a_customer(
                kind=life.kind, region=life.place.region, time_zone=life.place.stated, postal_area=life.postal,
                do_not_contact=any(m.at(now) for m in life.marked),
            ),
            invoices=[
                an_invoice(id=b.id, due_date=b.due, issue_date=b.due - timedelta(days=30), total_minor=b.minor, balance_minor=b.minor)
                for b in sorted(known, key=lambda b: (b.due, b.id))
            ],
            suppressions=[
                a_suppression(id=n, channel=s.what[0], contact_id=s.what[1], reason=s.what[2])
                for n, s in enumerate(life.silenced) if s.at(now)
            ],
            holds=[
                a_hold(s.what[0], id=n, invoice_ids=s.what[1], placed_at=s.begins) for n, s in enumerate(life.holds) if s.at(now)
            ],
            disputes=[a_dispute(id=f"d{n}", invoice_ids=s.what) for n, s in enumerate(life.disputes) if s.at(now)],
            promises=[a_promise(id=n, due_date=s.what, made_at=s.begins) for n, s in enumerate(life.promises) if s.at(now)],
            plans=[a_plan(id=f"p{n}") for n, s in enumerate(life.plans) if s.at(now)],
            payments_pending_minor=sum(s.at(now) for s in life.pending),
            touches=[t for t in self.touches if t.at > recent], ladder=self.ladder,
        )  # fmt: skip


def _mark(outbox_id: int) -> datetime:
    """An instant that stands for this message alone, so that its ladder step can be taken back."""
    return BEGINS + timedelta(seconds=outbox_id)


def _answer(heard: Heard, channel: str, dice: int) -> Action:
    signal = next(iter(sorted(heard.signals)), None)
    purpose, template = ANSWERS[signal] if signal and dice % 3 else ("reply", "balance_reply")
    return replace(a_reply(template, purpose, channel=channel))
