"""Every outbound message: what it says, and about which invoices (policy.md 5)."""

from agent.policy.reading import CONFIRMATIONS, Message, chaseable, draft_of, dunning, staged_messages
from agent.policy.registry import Says, ask, refuse, rule
from tools.dunning.generate_dunning_message import GenerateDunningMessage

_MAX_SEGMENTS = 3


@rule("MSG-DRAFT", source="policy.md 1", applies=GenerateDunningMessage)
def draft(case: Message) -> Says:
    """A message is judged as the customer would read it: without its draft it is refused."""
    if case.facts.draft is None:
        return refuse(case.facts.draft_problem or "The message could not be drafted.")
    return refuse("The draft is not the message that was proposed.") if draft_of(case) is None else None


@rule("MSG-FIGURES", source="policy.md 5.2", applies=GenerateDunningMessage)
def figures(case: Message) -> Says:
    """Each figure, date, number and link is traced to a record; one that is not refuses the draft."""
    if case.facts.draft is None or not case.facts.draft.untraced:
        return None
    return refuse(
        f"{len(case.facts.draft.untraced)} figures or links come from no record: use placeholders only."
    )


@rule("MSG-WORDING", source="policy.md 5.3; compliance.md 4", applies=GenerateDunningMessage)
def wording(case: Message) -> Says:
    """No threat, shame, legal wording, false urgency or request for card data."""
    if case.facts.draft is None or not case.facts.draft.denied:
        return None
    return refuse(
        "The wording is not allowed: no threats, legal words, urgency, shame or requests for card data."
    )


@rule("MSG-PREVIEW", source="policy.md 5.3; compliance.md 3RD-1", applies=GenerateDunningMessage)
def preview(case: Message) -> Says:
    """No subject line, nor the first 40 characters of a text message that we begin with, holds a figure or a word of a debt."""
    draft = case.facts.draft
    if draft is None or not draft.telling:
        return None
    begun = case.facts.inbound is None and (
        dunning(case) or case.subject.purpose == "plan_offer" or case.subject.template is None
    )
    if draft.channel == "sms" and not begun:
        return None  # the customer asked in this conversation
    return refuse(
        "Its subject or its first words tell of a debt to whoever sees the screen: begin with who writes."
    )


@rule("MSG-WAY-OUT", source="policy.md 5.5; 12 CFR 1006.6(e)", applies=GenerateDunningMessage)
def way_out(case: Message) -> Says:
    """What counts as collection says how to opt out: every demand, every offer, every free text."""
    counts = dunning(case) or case.subject.purpose == "plan_offer" or case.subject.template is None
    if case.facts.draft is None or case.facts.draft.way_out or not counts:
        return None
    return None if case.subject.purpose in CONFIRMATIONS else refuse("It does not say how to opt out.")


@rule("MSG-IDENTITY", source="policy.md 5.4; EU AI Act 50(1)", applies=GenerateDunningMessage)
def identity(case: Message) -> Says:
    """The first message that we start a conversation with says that an automated assistant writes."""
    spoken = any(touch.state in ("sent", "delivered") for touch in case.account.touches)
    if case.facts.draft is None or case.facts.draft.disclosed or spoken or not dunning(case):
        return None
    return refuse("The first message must say that an automated assistant writes.")


@rule("MSG-SMS-LENGTH", source="policy.md 5.8", applies=GenerateDunningMessage)
def sms_length(case: Message) -> Says:
    """An SMS has at most three segments."""
    if case.facts.draft is None or (case.facts.draft.segments or 0) <= _MAX_SEGMENTS:
        return None
    return refuse(f"The SMS has {case.facts.draft.segments} segments; at most {_MAX_SEGMENTS} are allowed.")


@rule("MSG-LANGUAGE", source="policy.md 5.7", applies=GenerateDunningMessage)
def language(case: Message) -> Says:
    """Where the customer's language has no reviewed template, a person is told before English leaves."""
    # Confirmations may not wait: an opt-out is confirmed in English rather than late.
    if (
        case.facts.draft is None
        or not case.facts.draft.language_fallback
        or case.subject.purpose in CONFIRMATIONS
    ):
        return None
    return ask("collector", "The customer's language has no reviewed template: English was used.")


@rule("MSG-INVOICES", source="policy.md 5.2", applies=GenerateDunningMessage)
def invoices(case: Message) -> Says:
    """A message names open invoices of this account, in the account's one currency."""
    if case.subject.purpose == "receipt":
        return None  # what was paid in full is open no more
    ours = {invoice.id: invoice for invoice in case.account.invoices}
    for identity in case.subject.invoices:
        invoice = ours.get(identity)
        if invoice is None or not invoice.is_open():
            return refuse("It names an invoice that is not open on this account.")
        if invoice.currency != case.account.customer.currency:
            return refuse("It names an invoice in another currency than the account's: leave it to a person.")
    return None


@rule("MSG-DUE", source="policy.md 3 and 7", applies=GenerateDunningMessage)
def due(case: Message) -> Says:
    """A reminder is about invoices that are overdue, an early notice about invoices that are not."""
    if not dunning(case):
        return None
    if not case.subject.invoices:
        return refuse("Name the invoices that it asks for.")
    overdue = {invoice.id for invoice in case.account.overdue()}
    if case.subject.purpose == "early_notice":
        return (
            refuse("An early notice is for invoices before their due date.")
            if overdue & set(case.subject.invoices)
            else None
        )
    return (
        refuse("It reminds of an invoice that is not overdue.")
        if set(case.subject.invoices) - overdue
        else None
    )


@rule("MSG-CONSOLIDATED", source="policy.md 5.6", applies=GenerateDunningMessage)
def consolidated(case: Message) -> Says:
    """A reminder is about all invoices that are due, never one of several."""
    if case.subject.purpose not in ("reminder", "formal_notice"):
        return None
    missing = {invoice.id for invoice in chaseable(case.account)} - set(case.subject.invoices)
    return (
        ask("collector", f"It leaves out {len(missing)} invoices that are due: one message for all.")
        if missing
        else None
    )


@rule("MSG-ONE", source="policy.md 5.6", applies=GenerateDunningMessage)
def one(case: Message) -> Says:
    """An episode that we open sends one message, and a reminder is no answer to the customer's own message."""
    if dunning(case) and case.facts.inbound is not None:
        return refuse("Answer what the customer wrote; a reminder is no answer.")
    if case.facts.inbound is None and staged_messages(case.facts):
        return refuse("This episode sends a message already: put everything into one.")
    return None
