"""Stops: what ends outreach at once, and the one answer that it leaves open (policy.md 4 and 6).

Dunning is refused. An answer to the customer waits for a person, and a reviewed acknowledgement leaves once.
"""

from datetime import timedelta

from agent.policy import stops
from agent.policy.reading import Message, acknowledges, answered_since, dunning, earlier_answers
from agent.policy.registry import Says, ask, refuse, rule
from tools.dunning.generate_dunning_message import GenerateDunningMessage

_MONTH = timedelta(days=30)  # as far back as the account's touches go


@rule("STOP-SIGNAL", source="policy.md 4", applies=GenerateDunningMessage)
def signal(case: Message) -> Says:
    """While the customer's message carries a stop, only the reviewed answer to it leaves; a grave one lets no other pass."""
    said = stops.said_now(case.facts)
    if not said:
        return None
    deciding = stops.gravest(case.policy, said)
    if acknowledges(case) and stops.answers(case.policy, deciding, case.subject.template):
        return None
    grave = any(stops.of(case.policy, name).grave for name in deciding)
    names = ", ".join(sorted(deciding))
    if grave or dunning(case):
        return refuse(f"The customer's message is a stop ({names}): only its acknowledgement may be sent.")
    return ask("collector", f"The customer's message is a stop ({names}): a person answers.")


@rule("STOP-HOLD", source="policy.md 4", applies=GenerateDunningMessage)
def hold(case: Message) -> Says:
    """A hold on the account stops dunning and leaves the answer to a person; a grave one leaves only its acknowledgement."""
    account = case.account
    reasons = {str(hold.reason) for hold in account.holds}
    if account.customer.hold_reason:
        reasons.add("unclear")  # the source ledger's own word: nobody has said what may answer it
    grave = {reason for reason in reasons if stops.of(case.policy, reason).grave}
    if not reasons:
        return None
    if grave and not (acknowledges(case) and stops.answers(case.policy, grave, case.subject.template)):
        return refuse(f"The account is held ({', '.join(sorted(grave))}): a person must clear it.")
    if acknowledges(case):
        return None
    whole = bool(account.customer.hold_reason) or any(hold.invoice_ids is None for hold in account.holds)
    if dunning(case) and (whole or account.held_ids() & set(case.subject.invoices)):
        return refuse(f"It is held ({', '.join(sorted(reasons))}): a person must clear it.")
    return ask(
        "collector", f"Something is held ({', '.join(sorted(reasons))}): a person decides on the rest."
    )


@rule("STOP-DISPUTE", source="policy.md 4", applies=GenerateDunningMessage)
def dispute(case: Message) -> Says:
    """Disputed invoices are not dunned, and the undisputed rest only after a person clears it."""
    if not case.account.disputes or acknowledges(case):
        return None
    if dunning(case) and case.account.disputed_ids() & set(case.subject.invoices):
        return refuse("It asks for an invoice that is disputed.")
    return ask("collector", "There is an open dispute: a person decides on the rest.")


@rule("STOP-PROMISE", source="policy.md 4", applies=GenerateDunningMessage)
def promise(case: Message) -> Says:
    """No dunning until the day after a promised date, later where the customer pays by mail; answers go on."""
    terms = case.policy.document.promise
    days = timedelta(days=terms.grace_days + (terms.float_days if case.facts.pays_by_mail else 0))
    waiting = any(p.state == "open" and case.account.today < p.due_date + days for p in case.account.promises)
    return (
        refuse("The customer promised to pay and the date has not passed.")
        if dunning(case) and waiting
        else None
    )


@rule("STOP-PLAN", source="policy.md 4", applies=GenerateDunningMessage)
def plan(case: Message) -> Says:
    """No dunning while a plan runs; a plan that is not settled or was broken goes through a person."""
    states = {plan.state for plan in case.account.plans}
    if not dunning(case) or not states:
        return None
    if "active" in states:
        return refuse("A payment plan is running.")
    return ask("collector", "There is a payment plan that is not settled: a person decides.")


@rule("STOP-PENDING", source="policy.md 6", applies=GenerateDunningMessage)
def pending(case: Message) -> Says:
    """While a payment is on its way nothing is dunned and answers go past a person."""
    if case.account.payments_pending_minor <= 0 or acknowledges(case):
        return None
    if dunning(case):
        return refuse("A payment is on its way.")
    return ask("collector", "A payment is on its way: a person answers.")


@rule("STOP-SETTLED", source="policy.md 6", applies=GenerateDunningMessage)
def settled(case: Message) -> Says:
    """Where nothing is owed nothing is dunned and answers go past a person."""
    if any(invoice.is_open() for invoice in case.account.invoices) or acknowledges(case):
        return None
    return (
        refuse("Nothing is owed.")
        if dunning(case)
        else ask("collector", "Nothing is owed: a person answers.")
    )


@rule("STOP-STALE", source="policy.md 6", applies=GenerateDunningMessage)
def stale(case: Message) -> Says:
    """No message rests on ledger facts that are older than the limit or of unknown age."""
    if acknowledges(case):
        return None
    read, limit = case.account.ledger_as_of, case.policy.freshness_minutes(case.account.ledger_system)
    if read is not None and case.facts.now - read <= timedelta(minutes=limit):
        return None
    return refuse("The ledger's facts are too old to write about: it must be read again first.")


@rule("STOP-ONCE", source="policy.md 3 and 4", applies=GenerateDunningMessage)
def once(case: Message) -> Says:
    """A stop is acknowledged once: after that a person answers, and an opt-out is not confirmed again."""
    purpose, facts = case.subject.purpose, case.facts
    if purpose == "opt_out_confirmation":
        again = earlier_answers(facts, purpose, facts.now - _MONTH)
        return refuse("The opt-out was confirmed already.") if again else None
    if not acknowledges(case) or purpose == "receipt":
        return None
    holds = case.account.holds
    answered_here = [
        h for h in holds if stops.answers(case.policy, {str(h.reason)}, case.subject.template)
    ] or holds
    answered = any(answered_since(facts, hold) for hold in answered_here)
    repeated = (
        earlier_answers(facts, purpose, facts.now - _MONTH) if purpose in ("condolence", "crisis") else []
    )
    return (
        ask("collector", "It was acknowledged once: a person answers now.") if answered or repeated else None
    )
