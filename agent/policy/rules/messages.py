"""Messages: the rows of policy.md 3 that let one leave, or say who must look at it first."""

from agent.policy import stops
from agent.policy.reading import Message, asked_for_minor, dunning, recipient, to_sender
from agent.policy.registry import Says, allow, ask, refuse, rule
from tools.dunning.generate_dunning_message import GenerateDunningMessage

FIRST_REMINDER = "reminder_1"


@rule("ROW-REMINDER", source="policy.md 3", applies=GenerateDunningMessage, grants=True)
def reminder(case: Message) -> Says:
    """A reminder or an early notice leaves from a reviewed template, to a verified contact that is the customer's alone."""
    if case.subject.purpose not in ("reminder", "early_notice"):
        return None
    contact = recipient(case)
    if contact is None or contact.verified_at is None:
        return ask("collector", "The contact point is not verified.")
    if contact.shared:
        return ask("collector", "The contact point stands on another customer too.")
    if case.subject.template is None:
        return ask("collector", "A reminder in free words needs a collector.")
    return allow("A reviewed reminder to a verified contact point.")


@rule("ROW-REPLY", source="policy.md 3", applies=GenerateDunningMessage, grants=True)
def reply(case: Message) -> Says:
    """An answer leaves to the contact point on file that asked, if it is this customer's alone."""
    if case.subject.purpose not in ("reply", "acknowledgement"):
        return None
    if to_sender(case):
        return allow("An answer to the contact point on file that asked.")
    if (
        case.facts.trigger == "follow_up"
        and case.subject.template == "promise_ack"
        and stops.promised(case.facts)
    ):
        return allow("The reviewed confirmation of a promise that a person approved.")
    # Who is told that they have the wrong person is by nature not who stands on file.
    if stops.answers(case.policy, stops.said_now(case.facts) & {"wrong_party"}, case.subject.template):
        return allow("The acknowledgement that names neither a debt nor a person.")
    return ask("collector", "It does not go to a contact point on file that wrote to us.")


@rule("ROW-RECEIPT", source="policy.md 3", applies=GenerateDunningMessage, grants=True)
def receipt(case: Message) -> Says:
    """A receipt leaves by template when the ledger shows a payment; nobody confirms one on a customer's word."""
    if case.subject.purpose != "receipt":
        return None
    if case.subject.template is None:
        return refuse("A receipt is sent from its template only.")
    if case.facts.trigger != "ledger":
        return ask("collector", "No payment in the ledger opened this episode.")
    return allow("A receipt for a payment in the ledger.")


@rule("ROW-CONFIRMATION", source="policy.md 3", applies=GenerateDunningMessage, grants=True)
def confirmation(case: Message) -> Says:
    """Opt-out confirmation, condolence and crisis reply leave by template, where the stop that they answer was noticed."""
    purpose, template = case.subject.purpose, case.subject.template
    if purpose not in ("opt_out_confirmation", "condolence", "crisis"):
        return None
    if template is None:
        return (
            refuse("It is sent from its template only.")
            if purpose == "opt_out_confirmation"
            else ask("collector", "In free words it needs a collector.")
        )
    inbound, contact = case.facts.inbound, recipient(case)
    to_who_wrote = inbound is not None and contact is not None and contact.id == inbound.contact_id
    called_for = stops.in_force(case.facts)
    if purpose == "opt_out_confirmation":  # it says which channel is closed: true of this opt-out alone
        called_for = stops.said_now(case.facts) & stops.OPT_OUTS
    if not to_who_wrote or not stops.answers(case.policy, called_for, template):
        return ask("collector", "Nothing that the customer wrote or that is on record calls for it.")
    return allow("The reviewed answer to what the customer wrote.")


@rule("ROW-FORMAL", source="policy.md 3", applies=GenerateDunningMessage, grants=True)
def formal(case: Message) -> Says:
    """A formal notice always needs a manager."""
    if case.subject.purpose != "formal_notice":
        return None
    return ask("manager", "A formal notice needs a manager.")


@rule("ROW-FREE-TEXT", source="policy.md 3", applies=GenerateDunningMessage)
def free_text(case: Message) -> Says:
    """Free words need a collector in every mode: their tone is for a person to check (infra/decisions/0014)."""
    if case.subject.template is not None:
        return None
    return ask(
        "collector", "Free words need a collector: figures and wording are checked, what they claim is not."
    )


@rule("ROW-TIER", source="policy.md 3", applies=GenerateDunningMessage)
def tier(case: Message) -> Says:
    """Dunning a high-risk customer, the first time above all, needs a collector; so does an unscored one.

    Before it go the early notice, which is for high risk, and reminder 1 from a template to an unscored customer.
    """
    risk = case.facts.risk.tier
    if not dunning(case) or risk in ("low", "medium") or case.subject.purpose == "early_notice":
        return None
    if risk == "unscored" and case.subject.template == FIRST_REMINDER:
        return None
    first = not case.account.touches and not case.account.ladder
    return ask(
        "collector",
        f"{'First contact with' if first else 'Dunning'} a customer with tier {risk} needs a collector.",
    )


@rule("ROW-BALANCE", source="policy.md 3", applies=GenerateDunningMessage)
def balance(case: Message) -> Says:
    """Dunning a balance above the limit of the mode needs a collector. An answer to the customer does not."""
    if not dunning(case) or asked_for_minor(case) <= case.minor(case.column.balance):
        return None
    return ask("collector", f"The balance is above {case.column.balance}.")
