"""The dunning ladder: which step an account stands at (policy.md 7). Pure, for the rules and for the daily cycle."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from agent.policy.steps import Step
from tools.ledger.model import Account, Invoice, Tier

EARLY = "early_notice"
_HIGH = frozenset({"high", "unscored"})  # policy.md 3: unscored counts as high


@dataclass(frozen=True, slots=True)
class Due:
    """The step that is due, and the invoice that it is anchored to."""

    step: Step
    anchor: Invoice


def due_step(
    account: Account, steps: Sequence[Step], tier: Tier, *, without: str | None = None
) -> Due | None:
    """The step that is due today, or None.

    Anchored to the oldest undisputed overdue invoice. A step that ran for a set with this invoice in it is not
    repeated, the next one is not skipped, and where none ran it is the one for the invoice's age. With nothing
    overdue, an early notice is due before the due date, if late risk is high. `without` is a step to leave out
    of what ran: the one that is being sent right now.
    """
    held = account.held_ids()
    overdue = [invoice for invoice in account.overdue() if invoice.id not in held]
    if not overdue:
        return _early(account, steps, tier, held, without)
    anchor, days = overdue[0], overdue[0].days_past_due(account.today)
    dunning = [step for step in steps if step.step != EARLY]
    ran = {
        step.step
        for step in account.ladder
        if step.step != without and _covers(step.invoice_ids, anchor.id, step.anchor_invoice_id)
    }
    step = next_step(dunning, days=days, ran=ran)
    return Due(step, anchor) if step else None


def next_step(dunning: Sequence[Step], *, days: int, ran: Collection[str]) -> Step | None:
    """The step for an anchor invoice `days` past due, given the steps that `ran` for it; None when none is due.

    Nothing ran: the one for its age, not one for each that was missed. Running: the next one and no later one.
    """
    last = max((place for place, step in enumerate(dunning) if step.step in ran), default=None)
    reached = [step for step in dunning if step.days <= days]
    if last is None:
        return reached[-1] if reached else None
    following = dunning[last + 1 : last + 2]
    return following[0] if following and following[0].days <= days else None


def _covers(invoice_ids: Sequence[str], invoice_id: str, anchor_id: str) -> bool:
    return invoice_id == anchor_id or invoice_id in invoice_ids


def _early(
    account: Account, steps: Sequence[Step], tier: Tier, held: set[str], without: str | None
) -> Due | None:
    early = next((step for step in steps if step.step == EARLY), None)
    if early is None or tier not in _HIGH:
        return None
    noticed = {
        invoice_id
        for ran in account.ladder
        if ran.step == EARLY and ran.step != without
        for invoice_id in (ran.anchor_invoice_id, *ran.invoice_ids)
    }
    for invoice in account.invoices:
        upcoming = invoice.due_date is not None and early.days <= invoice.days_past_due(account.today) <= 0
        if invoice.is_open() and upcoming and invoice.id not in held | noticed:
            return Due(early, invoice)
    return None
