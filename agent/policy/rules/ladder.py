"""The ladder: a reminder follows it, or a collector has a reason (policy.md 3 and 7)."""

from agent.policy.ladder import due_step
from agent.policy.reading import Message, dunning
from agent.policy.registry import Says, ask, refuse, rule
from tools.dunning.generate_dunning_message import GenerateDunningMessage


@rule("LADDER-STEP", source="policy.md 7", applies=GenerateDunningMessage)
def step(case: Message) -> Says:
    """Dunning follows the step that is due today for the oldest undisputed overdue invoice."""
    if not dunning(case):
        return None
    steps = case.policy.ladder(case.account.customer.segment)
    own = case.facts.ladder_step if case.facts.outbox_id is not None else None
    due = due_step(case.account, steps, case.facts.risk.tier, without=own)
    if due is None:
        return ask("collector", "No step of the dunning ladder is due today.")
    wanted = due.step
    if wanted.purpose != case.subject.purpose or case.subject.template not in (None, wanted.template):
        return ask("collector", f"The dunning ladder stands at {wanted.step}.")
    if wanted.channel == "email" and case.subject.channel != "email":
        return ask("collector", f"The step {wanted.step} goes by email.")
    if case.facts.ladder_step not in (None, wanted.step):
        return ask("collector", f"The dunning ladder has moved to {wanted.step}.")
    return None


@rule("LADDER-REPEAT", source="policy.md 7", applies=GenerateDunningMessage)
def repeat(case: Message) -> Says:
    """A step is never repeated for an invoice that it was anchored to."""
    if not dunning(case) or case.facts.ladder_step is None or case.facts.outbox_id is not None:
        return None
    ran = any(
        earlier.step == case.facts.ladder_step and earlier.anchor_invoice_id in case.subject.invoices
        for earlier in case.account.ladder
    )
    return refuse(f"The step {case.facts.ladder_step} ran already for these invoices.") if ran else None
