"""The records that one message may draw on, and nothing else: what fills its placeholders and explains its figures."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tools.dunning.errors import Undraftable
from tools.dunning.generate_dunning_message import GenerateDunningMessage, MessageChannel
from tools.dunning.templates import Language
from tools.ledger.model import Account, Contact, Customer, Invoice, Plan, Promise
from tools.money import Money

_TITLES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "sr", "sra", "srta", "don", "dona", "doña"})
_NO_PERSON = re.compile(
    r"\b(?:accounts?|accounting|admin|administration|ap|billing|bookkeeping|contact|customer|department|dept|finance"
    r"|front|info|invoices|llc|inc|ltd|manager|office|owner|payables?|reception|tenant|the|administración|compras"
    r"|contabilidad|cuentas|departamento|dueño|facturación|facturas|finanzas|oficina|pagos)\b",
    re.IGNORECASE,
)
_FIRST_NAME = re.compile(r"[^\W\d_](?:[^\W\d_]|['’-](?=[^\W\d_])){1,29}")


@dataclass(frozen=True, slots=True)
class Sources:
    """What one message may speak about, in the language and on the channel that it is written for."""

    language: Language
    channel: MessageChannel
    company_name: str
    customer_name: str
    first_name: str | None  # None: no person's name is on file
    invoices: Sequence[Invoice]
    days_past_due: int  # of the oldest of them; 0 or less is not overdue
    promises: Sequence[Promise]  # the payments of the newest promise that is open
    plan: Plan | None  # the offer that the call names
    payment: Money | None

    @property
    def balance(self) -> Money | None:
        """What is owed on the invoices together; None where there are several currencies or no invoices."""
        if len({invoice.currency for invoice in self.invoices}) != 1:
            return None
        return Money(sum(invoice.balance_minor for invoice in self.invoices), self.invoices[0].currency)


def first_name(contact: Contact, customer: Customer) -> str | None:
    """The person's first name, or None where the file shows none: a business is nobody's first name."""
    full = contact.name or (customer.name if customer.kind == "consumer" else "")
    if "," in full:  # "López, Ana"
        full = full.partition(",")[2]
    words = [word for word in full.split() if word.lower().strip(".") not in _TITLES]
    if not words or _NO_PERSON.search(full):
        return None
    if customer.kind != "consumer" and full.strip().casefold() == customer.name.strip().casefold():
        return None
    return words[0] if _FIRST_NAME.fullmatch(words[0]) else None


def named_invoices(
    args: GenerateDunningMessage, account: Account, *, mentions_invoices: bool
) -> list[Invoice]:
    """The invoices that the message is about: those it names, or everything collectible where it names none.

    A receipt may name what it paid, which is no longer open. Raises Undraftable for an invoice that is not open on
    this account, and where everything that is open is held, because "all" would then be a lie or a demand.
    """
    if args.invoices:
        found = {invoice.id: invoice for invoice in account.invoices if invoice.is_open()}
        unknown = [invoice_id for invoice_id in args.invoices if invoice_id not in found]
        if unknown and args.purpose != "receipt":
            raise Undraftable(f"Invoice {unknown[0]!r} is not open on this account; name open invoices only.")
        return [invoice for invoice_id, invoice in found.items() if invoice_id in args.invoices]
    if not mentions_invoices:
        return []
    held = account.held_ids()
    is_open = [invoice for invoice in account.invoices if invoice.is_open()]
    free = [invoice for invoice in is_open if invoice.id not in held]
    if is_open and not free:
        raise Undraftable("Everything that is open on this account is on hold; leave it to a person.")
    return free


def named_offer(args: GenerateDunningMessage, account: Account) -> Plan | None:
    """The plan that the call offers or confirms. Raises Undraftable unless it is this customer's and approved."""
    if args.offer is None:
        return None
    plan = next((plan for plan in account.plans if plan.id == args.offer), None)
    if plan is None or plan.state not in ("approved", "offered", "active"):
        raise Undraftable(
            f"{args.offer!r} is no approved plan offer of this customer; offer one that was shown to you."
        )
    return plan


def newest_promise(account: Account) -> list[Promise]:
    """The open payments that were promised last, together."""
    is_open = [promise for promise in account.promises if promise.state == "open"]
    last = max((promise.made_at for promise in is_open), default=None)
    return sorted(
        (promise for promise in is_open if promise.made_at == last), key=lambda promise: promise.due_date
    )
