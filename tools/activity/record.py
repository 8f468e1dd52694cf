"""The effects of `log_collection_activity`: one function a kind, each with the holds that policy.md 4 demands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, assert_never
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from tools.activity import log_collection_activity as kinds
from tools.arrangements.consent import Evidence, opted_out_of, stop
from tools.arrangements.facts import add_contact, add_standing_fact
from tools.arrangements.plans import add_plan, start_plan
from tools.arrangements.promises import add_promises
from tools.arrangements.requests import RequestKind, add_request
from tools.arrangements.stops import open_dispute, place_hold
from tools.dunning.offers import first_instalment_on, plan_instalments
from tools.followups.follow_ups import Priority, schedule
from tools.ledger.model import Account, Channel, HoldReason
from tools.memory.pseudonyms import restore_quote
from tools.money import Money
from tools.outbox.queue import withdraw
from tools.spec import Permit

CONFIRM_PROMISE = "Confirm the recorded promise to the customer."
_LONGEST_FACT = 500  # characters


@dataclass(frozen=True, slots=True)
class Said:
    """Who said it, where and when: what a record needs besides its own arguments."""

    account: Account
    message_id: int | None
    body: str | None  # of that message: what quotes are looked up in
    channel: Channel | None
    contact_id: str | None
    by: str  # "agent", or the user who proposed or approved it
    approved_by: str  # "policy", or the user who approved it
    now: datetime
    zone: ZoneInfo


def talking_points(account: Account, why: str) -> dict[str, Any]:
    """What a person needs before they call, built from records: owed, promised, tried, held (policy.md 4)."""
    return {
        "why": why,
        "owed": [
            {
                "invoice": i.number,
                "balance_minor": i.balance_minor,
                "days_past_due": i.days_past_due(account.today),
            }
            for i in account.overdue()
        ],
        "promised": [
            {"amount_minor": p.amount_minor, "due": p.due_date.isoformat(), "state": p.state}
            for p in account.promises
        ],
        "tried": [
            {"at": t.at.isoformat(), "channel": t.channel, "purpose": t.purpose} for t in account.touches[:5]
        ],
        "held": [{"reason": h.reason, "since": h.placed_at.isoformat()} for h in account.holds],
    }


async def _task(conn: AsyncConnection[Any], permit: Permit, said: Said, why: str, priority: Priority) -> None:
    await schedule(
        conn, permit, kind="review", due_at=said.now, reason=why, assignee=said.account.customer.owner,
        priority=priority, talking_points=talking_points(said.account, why), once=True,
    )  # fmt: skip


async def _take_back(conn: AsyncConnection[Any], permit: Permit, said: Said, reason: str) -> None:
    """What is queued of our own accord. An answer stays, judged again as it leaves: the next message may get no other."""
    await withdraw(conn, customer_id=permit.customer_id, reason=reason, now=said.now, answers=False)


async def _stop_all(
    conn: AsyncConnection[Any],
    permit: Permit,
    said: Said,
    reason: HoldReason,
    why: str,
    priority: Priority = "high",
) -> None:
    """Hold the whole account, take back what is queued of our own accord, and put it on a person's list."""
    await place_hold(
        conn,
        permit,
        reason=reason,
        invoice_ids=None,
        cleared_by="person",
        message_id=said.message_id,
        now=said.now,
    )
    await _take_back(conn, permit, said, f"hold: {reason}")
    await _task(conn, permit, said, why, priority)


async def _dispute(
    conn: AsyncConnection[Any], permit: Permit, record: kinds.DisputeRecord, said: Said
) -> None:
    meant = said.account.meant(record.invoices)
    source: Literal["customer", "collector"] = "customer" if said.message_id else "collector"
    if meant:
        amount = Money.of(record.amount, said.account.customer.currency) if record.amount else None
        if amount and amount.minor >= said.account.balance_of(meant).minor:
            amount = None  # all that is owed is the whole of it
        await open_dispute(
            conn, permit, invoice_ids=meant, reason=record.reason, amount=amount, source=source, now=said.now
        )
    # The undisputed rest is cleared by a person only, so the hold is on the account (policy.md 4).
    await _stop_all(conn, permit, said, "dispute", "The customer disputes an invoice: review the case.")


async def _promise(
    conn: AsyncConnection[Any], permit: Permit, record: kinds.PromiseRecord, said: Said
) -> None:
    currency = said.account.customer.currency
    await add_promises(
        conn, permit, payments=[(Money.of(p.amount, currency), p.on) for p in record.payments],
        invoice_ids=said.account.meant(record.invoices), message_id=said.message_id,
        source="customer" if said.message_id else "collector", zone=said.zone.key, now=said.now,
    )  # fmt: skip
    await _take_back(conn, permit, said, "the customer promised to pay")
    if said.approved_by != "policy":
        # The episode that heard it is over: what it could not confirm is confirmed by one of its own.
        await schedule(
            conn, permit, kind="message", due_at=said.now, reason=CONFIRM_PROMISE, assignee=None
        )  # fmt: skip


async def _plan(
    conn: AsyncConnection[Any], permit: Permit, record: kinds.PlanRequestRecord, said: Said
) -> None:
    if record.offer is not None:
        await start_plan(conn, plan_id=record.offer, now=said.now)
        await withdraw(conn, customer_id=permit.customer_id, reason="a plan runs", now=said.now)
        return
    meant = said.account.meant(record.invoices)
    instalments = plan_instalments(
        said.account.balance_of(meant),
        record.instalments,
        record.every,
        first_instalment_on(record.first_on, said.account.today),
    )
    await add_plan(
        conn, permit, invoice_ids=meant, instalments=instalments, currency=said.account.customer.currency,
        proposed_by=said.by, approved_by=said.approved_by, zone=said.zone.key, now=said.now,
    )  # fmt: skip
    # Offering it is an episode of its own: the customer may be asleep, and the message is judged by itself.
    await schedule(
        conn, permit, kind="message", due_at=said.now, reason="Offer the approved plan to the customer.", assignee=None
    )  # fmt: skip


async def _opt_out(
    conn: AsyncConnection[Any], permit: Permit, record: kinds.OptOutRecord, said: Said
) -> None:
    await stop(
        conn, customer_id=permit.customer_id, channel=opted_out_of(record.scope, said.channel), contact_id=None,
        reason="opt_out", evidence=_heard(permit, said),
    )  # fmt: skip


async def _wrong_party(conn: AsyncConnection[Any], permit: Permit, said: Said) -> None:
    if said.contact_id is not None:
        await stop(
            conn, customer_id=permit.customer_id, channel=None, contact_id=said.contact_id, reason="wrong_party",
            evidence=_heard(permit, said),
        )  # fmt: skip
    await _task(
        conn, permit, said, "Somebody else answers at this contact point: find the right one.", "normal"
    )


def _heard(permit: Permit, said: Said) -> Evidence:
    return Evidence(
        source="words" if said.message_id else "collector", at=said.now, message_id=said.message_id,
        decision_id=permit.decision_id,
    )  # fmt: skip


async def _ask_ledger(
    conn: AsyncConnection[Any], permit: Permit, said: Said, kind: RequestKind, why: str
) -> dict[str, Any]:
    """What a person approved and only the source ledger can do: kept until it is entered there, with a task to do so."""
    account = said.account
    open_ids = [invoice.id for invoice in account.invoices if invoice.is_open()]
    amount, proposed_by = account.balance_of(open_ids), said.by if said.by != said.approved_by else "agent"
    request_id = await add_request(
        conn, customer_id=permit.customer_id, kind=kind, invoice_ids=open_ids, amount=amount, reason=why,
        proposed_by=proposed_by, approved_by=said.approved_by, decision_id=permit.decision_id, now=said.now,
    )  # fmt: skip
    await _task(conn, permit, said, why, "high")
    return {
        "ledger_request": request_id, "minor": amount.minor, "proposed_by": proposed_by, "approved_by": said.approved_by,
    }  # fmt: skip


async def record_activity(  # noqa: C901, PLR0912 - one arm for each kind of record is the clearest form there is
    conn: AsyncConnection[Any], permit: Permit, args: kinds.LogCollectionActivity, said: Said
) -> dict[str, Any]:
    """Make one permitted record true, with its holds, suppressions and tasks, in the caller's transaction.

    Gives what the log keeps of it beside its kind.
    """
    match args.record:
        case kinds.PromiseRecord() as record:
            await _promise(conn, permit, record, said)
        case kinds.PlanRequestRecord() as record:
            await _plan(conn, permit, record, said)
        case kinds.DisputeRecord() as record:
            await _dispute(conn, permit, record, said)
        case kinds.PaymentClaimRecord() as record:
            meant = said.account.meant(record.invoices)
            await place_hold(
                conn, permit, reason="payment_claim", invoice_ids=meant or None, cleared_by="ledger",
                message_id=said.message_id, now=said.now,
            )  # fmt: skip
            await _take_back(conn, permit, said, "the customer says it is paid")
            await _task(conn, permit, said, "The customer says it is paid: look for the payment.", "normal")
        case kinds.OptOutRecord() as record:
            await _opt_out(conn, permit, record, said)
        case kinds.ContactChangeRecord() as record:
            span = restore_quote(record.quote, said.body or "", said.account) or ""
            await add_contact(conn, permit, quote=span, now=said.now)
            await _remember(conn, permit, said, "contact_change", record.quote)
        case kinds.HardshipRecord():
            await _stop_all(
                conn, permit, said, "hardship", "The customer tells of hardship: offer a person and a plan."
            )
        case kinds.RepresentationRecord() as record:
            why = f"{record.basis.replace('_', ' ').capitalize()}: no contact until a person has cleared it."
            await _stop_all(conn, permit, said, "representation", why)
        case kinds.DeceasedRecord():
            await _stop_all(conn, permit, said, "deceased", "The account holder is reported to have died.")
        case kinds.FraudClaimRecord():
            await _stop_all(
                conn, permit, said, "fraud_claim", "Fraud or identity theft is claimed: keep all records."
            )
        case kinds.WrongPartyRecord():
            await _wrong_party(conn, permit, said)
        case kinds.ConcessionRequestRecord():
            return await _ask_ledger(
                conn, permit, said, "concession", "A concession was approved: enter it in the ledger."
            )
        case kinds.CreditHoldRecommendationRecord():
            return await _ask_ledger(
                conn, permit, said, "credit_hold", "A credit hold was approved: place it in the ledger."
            )
        case kinds.PreferenceRecord() as record:
            await _remember(conn, permit, said, record.about, record.quote)
        case kinds.NoteRecord() as record:
            await _remember(conn, permit, said, "note", record.text)
        case kinds.EscalationRecord() as record:
            await _escalate(conn, permit, record, said)
        case never:
            assert_never(never)
    return {}


async def _remember(conn: AsyncConnection[Any], permit: Permit, said: Said, kind: str, words: str) -> None:
    """Keep what stays true. Where the model quoted what it read without names, the customer's own words are kept."""
    fact = restore_quote(words, said.body, said.account) if said.body else None
    await add_standing_fact(
        conn,
        permit,
        kind=kind,
        fact=(fact or words)[:_LONGEST_FACT],
        message_id=said.message_id,
        now=said.now,
    )


async def _escalate(
    conn: AsyncConnection[Any], permit: Permit, record: kinds.EscalationRecord, said: Said
) -> None:
    why = {
        "asked_for_person": "The customer asks for a person.",
        "self_harm": "A threat of self-harm: call now.",
        "threat": "A threat was made: look at it now.",
        "complaint": "The customer complains.",
        "unsure": "The assistant could not settle this itself: look at the account and the conversation.",
        "other": "The assistant hands over.",
    }[record.why]
    match record.why:
        case "self_harm" | "threat":
            await _stop_all(conn, permit, said, "safety", why, "urgent")
        case "complaint":
            await _stop_all(conn, permit, said, "complaint", why)
        case "asked_for_person":
            await _stop_all(conn, permit, said, "person_asked", why, "normal")
        case _:
            await _task(conn, permit, said, why, "normal")
