"""An action in one sentence, for the person who is asked to approve it."""

import re
from typing import assert_never

from tools.activity import log_collection_activity as kinds
from tools.dunning.offers import first_instalment_on, plan_instalments
from tools.errors import Invalid
from tools.followups.schedule_follow_up import ScheduleFollowUp
from tools.ledger.model import Account
from tools.money import Money


def describe(args: kinds.LogCollectionActivity | ScheduleFollowUp, account: Account) -> str:
    """What would become true, with the figures that code has computed: the model's words are not taken for it."""
    if isinstance(args, ScheduleFollowUp):
        when = f"on {args.on:%d %B %Y}" if args.on else f"in {args.in_days} days"
        return f"Follow up ({args.kind.replace('_', ' ')}) {when}: {quoted(args.reason)}"
    return _record(args.record, account)


def quoted(words: str) -> str:
    """Words of a customer or a model in quotation marks that nothing in them can close."""
    inside = re.sub("[“”]", '"', words)
    return f"“{inside}”"


def _record(record: kinds.Record, account: Account) -> str:
    currency = account.customer.currency
    match record:
        case kinds.PromiseRecord():
            parts = ", ".join(
                f"{Money.of(p.amount, currency).format()} on {p.on:%d %B %Y}" for p in record.payments
            )
            return f"Promise to pay {parts}, for {_numbers(account, record.invoices)}."
        case kinds.PlanRequestRecord():
            return _plan(record, account)
        case kinds.DisputeRecord() | kinds.PaymentClaimRecord():
            return f"{record.kind.replace('_', ' ').capitalize()} on {_numbers(account, record.invoices)}: {quoted(record.quote)}"
        case kinds.NoteRecord():
            return f"Note: {quoted(record.text)}"
        case kinds.CreditHoldRecommendationRecord():
            return f"Credit hold recommended: {quoted(record.reason)}"
        case (
            kinds.OptOutRecord()
            | kinds.ContactChangeRecord()
            | kinds.HardshipRecord()
            | kinds.RepresentationRecord()
            | kinds.DeceasedRecord()
            | kinds.FraudClaimRecord()
            | kinds.WrongPartyRecord()
            | kinds.ConcessionRequestRecord()
            | kinds.PreferenceRecord()
            | kinds.EscalationRecord()
        ):
            said = f": {quoted(record.quote)}" if record.quote else "."
            return f"{record.kind.replace('_', ' ').capitalize()}{said}"
        case never:
            assert_never(never)


def _plan(record: kinds.PlanRequestRecord, account: Account) -> str:
    if record.offer is not None:
        return f"The customer accepts the offered plan {record.offer}."
    total = account.balance_of(account.meant(record.invoices))
    first_on = first_instalment_on(record.first_on, account.today)
    try:
        parts = plan_instalments(total, record.instalments, record.every, first_on)
    except Invalid as impossible:
        return f"A payment plan that cannot be made: {impossible}"
    schedule = ", ".join(
        f"{Money(p.amount_minor, total.currency).format()} on {p.due_date:%d %B %Y}" for p in parts
    )
    return f"Payment plan for {_numbers(account, record.invoices)}, {total.format()} in all: {schedule}."


def _numbers(account: Account, named: list[str]) -> str:
    meant = account.meant(named)
    numbers = [invoice.number for invoice in account.invoices if invoice.id in meant]
    return f"invoice {', '.join(numbers)}" if len(numbers) == 1 else f"invoices {', '.join(numbers)}"
