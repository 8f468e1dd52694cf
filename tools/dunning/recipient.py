"""To whom a message goes: always a contact point on file, never one that a model names."""

from tools.dunning.errors import Undraftable
from tools.dunning.generate_dunning_message import MessageChannel
from tools.ledger.model import Account, Contact


def choose_contact(account: Account, channel: MessageChannel, reply_contact_id: str | None) -> Contact:
    """The contact point for a message on `channel`: the one that wrote, or else the best one that may be written to.

    A reply goes back to where the question came from, opted out or not: its one confirmation goes there too, and
    whether it may leave is the policy's to say. Otherwise billing and owner come before site and other, and verified
    before unverified. Raises Undraftable when there is none.
    """
    if reply_contact_id is not None:
        return _who_wrote(account, channel, reply_contact_id)
    if account.customer.do_not_contact:
        raise Undraftable("This customer must not be contacted; leave it to a person.")
    on_file = [contact for contact in account.contacts if contact.channel == channel]
    willing = [contact for contact in on_file if _may_write_to(account, contact)]
    if not willing:
        why = "opted out, refused or was suppressed" if on_file else "is missing from the file"
        raise Undraftable(f"Nobody can be reached by {channel}: every {channel} contact point {why}.")
    return min(willing, key=_preference)


def _who_wrote(account: Account, channel: MessageChannel, contact_id: str) -> Contact:
    contact = next((contact for contact in account.contacts if contact.id == contact_id), None)
    if contact is None:
        raise Undraftable(
            "The message did not come from a contact point of this customer; leave it to a person."
        )
    if contact.channel != channel:
        raise Undraftable(
            f"The customer wrote by {contact.channel}; answer by {contact.channel}, not by {channel}."
        )
    return contact


def _may_write_to(account: Account, contact: Contact) -> bool:
    suppressed = any(
        suppression.channel in (None, contact.channel) and suppression.contact_id in (None, contact.id)
        for suppression in account.suppressions
    )
    return contact.opted_out_at is None and contact.consent != "denied" and not suppressed


def _preference(contact: Contact) -> tuple[bool, bool, bool, bool, str]:
    """Lowest is best. A person at the site is no debtor: even verified they come after an unverified billing contact."""
    return (
        contact.role in ("site", "other"),
        contact.verified_at is None,
        contact.role != "billing",
        contact.shared,
        contact.id,  # so that the choice never depends on the order of rows
    )
