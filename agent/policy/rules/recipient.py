"""To whom: a contact point on file that may be written to (policy.md 4, 5.1 and 6)."""

from agent.policy import stops
from agent.policy.reading import Message, draft_of, recipient, replying, unanswered
from agent.policy.registry import Says, ask, refuse, rule
from tools.dunning.generate_dunning_message import GenerateDunningMessage
from tools.ledger.model import Contact


@rule("TO-ON-FILE", source="policy.md 5.1", applies=GenerateDunningMessage)
def on_file(case: Message) -> Says:
    """It goes to a contact point on file for this customer, on the channel that was named."""
    if draft_of(case) is None:
        return None  # nothing to address: MSG-DRAFT refuses it
    contact = recipient(case)
    if contact is None or contact.channel != case.subject.channel:
        return refuse("There is no such contact point on file for this customer.")
    return None


@rule("TO-DO-NOT-CONTACT", source="policy.md 4", applies=GenerateDunningMessage)
def do_not_contact(case: Message) -> Says:
    """A customer who is marked as not to be contacted gets no message."""
    return (
        refuse("The ledger says not to contact this customer.")
        if case.account.customer.do_not_contact
        else None
    )


@rule("TO-STATUS", source="policy.md 1", applies=GenerateDunningMessage)
def status(case: Message) -> Says:
    """A customer who is archived, merged or erased gets no message; an inactive one only past a collector."""
    match case.account.customer.status:
        case "active":
            return None
        case "inactive":
            return ask("collector", "The customer is inactive in the ledger.")
        case other:
            return refuse(f"The customer is {other}.")


@rule(
    "TO-SUPPRESSED",
    source="policy.md 4; 12 CFR 1006.14(h); 47 CFR 64.1200(a)(10)",
    applies=GenerateDunningMessage,
)
def suppressed(case: Message) -> Says:
    """After an opt-out, a refusal or a wrong party nothing goes there but the one answer to it, or a crisis reply."""
    contact = recipient(case)
    reasons = _silenced(case, contact) if contact else set()
    if not reasons:
        return None
    # The confirmation of this very opt-out, and help for somebody in danger who wrote to us first.
    answering = unanswered(case) and case.subject.template is not None
    if answering and reasons <= {"opt_out", "wrong_party"}:
        answerable = (stops.said_now(case.facts) & reasons) | ({"safety"} & stops.in_force(case.facts))
        if stops.answers(case.policy, answerable, case.subject.template):
            return None
    return refuse("The customer does not want messages there.")


def _silenced(case: Message, contact: Contact) -> set[str]:
    found: set[str] = {
        suppression.reason
        for suppression in case.account.suppressions
        if suppression.channel in (None, contact.channel) and suppression.contact_id in (None, contact.id)
    }
    return found | ({"opt_out"} if contact.opted_out_at is not None or contact.consent == "denied" else set())


@rule("TO-SMS-CONSENT", source="compliance.md 0.1 and 3RD-2", applies=GenerateDunningMessage)
def sms_consent(case: Message) -> Says:
    """An SMS of our own accord needs consent on file; an answer to the customer's SMS does not."""
    contact = recipient(case)
    if case.subject.channel != "sms" or contact is None or contact.consent in ("granted", "implied"):
        return None
    inbound = case.facts.inbound
    if (
        replying(case)
        and inbound is not None
        and inbound.channel == "sms"
        and inbound.contact_id == contact.id
    ):
        return None
    return ask("collector", "There is no consent to SMS on file.")


@rule("TO-THIRD-PARTY-SMS", source="compliance.md 0.1", applies=GenerateDunningMessage)
def third_party_sms(case: Message) -> Says:
    """Who collects for others sends no SMS: carriers in the US and Canada forbid it."""
    if case.policy.document.profile != "third_party" or case.subject.channel != "sms":
        return None
    return refuse("Third-party collection by SMS is forbidden: use email.")
