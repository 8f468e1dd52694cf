"""Rows that can be read meet the ledger: whose they are, whether they fit, and which of them cannot go in."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import TypeVar

from tools.ledger.importer.known import Known, KnownInvoice
from tools.ledger.importer.model import Batch, ContactRow, CustomerRow, InvoiceRow, Rejected
from tools.ledger.importer.reader import Place

R = TypeVar("R", CustomerRow, InvoiceRow)


@dataclass(frozen=True, slots=True)
class Owner:
    """A customer of this import or of the ledger, as far as the other rows need it."""

    id: str
    currency: str
    terms_days: int | None
    erased: bool


@dataclass
class Ledger:
    """The customers and invoices there will be after this import, and what was refused on the way."""

    ext_system: str
    known: Known
    customers: dict[str, CustomerRow] = field(default_factory=dict)
    invoices: dict[str, InvoiceRow] = field(default_factory=dict)
    contacts: dict[str, ContactRow] = field(default_factory=dict)  # by the id they will have
    rejected: list[Rejected] = field(default_factory=list)

    def refuse(self, place: Place, reason: str) -> None:
        """Leave a row out."""
        self.rejected.append(Rejected(place, reason))

    def owner(self, customer_id: str | None) -> Owner | None:
        """The customer with that id, if there is one."""
        if customer_id is None:
            return None
        old = self.known.customers.get(customer_id)
        new = self.customers.get(customer_id)
        if new is not None:
            erased = old is not None and old.status == "erased"
            return Owner(new.id, new.currency, new.terms_days, erased)
        if old is None:
            return None
        return Owner(old.id, old.currency, old.terms_days, old.status == "erased")

    def find_invoice(self, reference: str, customer_id: str | None) -> "InvoiceRow | KnownInvoice | None":
        """The invoice with that id, or else the only one with that number (of that customer, if one is named)."""
        if reference in self.invoices:
            return self.invoices[reference]
        if reference in self.known.invoices:
            return self.known.invoices[reference]
        return self._by_number(reference, customer_id)

    def _by_number(self, number: str, customer_id: str | None) -> "InvoiceRow | KnownInvoice | None":
        found = [i for i in self._numbers.get(number, ()) if customer_id in (None, i.customer_id)]
        return found[0] if len(found) == 1 else None

    @cached_property
    def _numbers(self) -> "dict[str, list[InvoiceRow | KnownInvoice]]":
        # Looked up only once every invoice row is in.
        everything: dict[str, InvoiceRow | KnownInvoice] = {**self.known.invoices, **self.invoices}
        numbers: dict[str, list[InvoiceRow | KnownInvoice]] = {}
        for invoice in everything.values():
            numbers.setdefault(invoice.number, []).append(invoice)
        return numbers


def resolve(batch: Batch, known: Known, *, ext_system: str) -> Ledger:
    """Take in the batch's customers, contacts and invoices as far as they fit."""
    ledger = Ledger(ext_system, known, rejected=list(batch.rejected))
    _customers(ledger, batch.customers)
    _contacts(ledger, batch.contacts)
    _invoices(ledger, batch.invoices)
    return ledger


def _first_of_each(ledger: Ledger, rows: Iterable[R]) -> Iterable[R]:
    lines: dict[str, Place] = {}
    for row in rows:
        if row.id in lines:
            ledger.refuse(row.place, f"its id is already used by line {lines[row.id].line}")
        else:
            lines[row.id] = row.place
            yield row


def _customers(ledger: Ledger, rows: Sequence[CustomerRow]) -> None:
    for row in _first_of_each(ledger, rows):
        old = ledger.known.customers.get(row.id)
        if old and old.ext_system != ledger.ext_system:
            ledger.refuse(row.place, f"this customer id comes from {old.ext_system}")
        elif old and old.currency != row.currency:
            # Balances are added up per account: its invoices are in the old currency.
            ledger.refuse(row.place, f"this account is kept in {old.currency}")
        else:
            ledger.customers[row.id] = row
    while orphans := [
        row for row in ledger.customers.values() if row.parent_id and ledger.owner(row.parent_id) is None
    ]:
        for row in orphans:
            del ledger.customers[row.id]
            ledger.refuse(row.place, "its parent is no customer of this ledger")


def _contacts(ledger: Ledger, rows: Sequence[ContactRow]) -> None:
    by_address = {(c.customer_id, c.channel, c.address): c.id for c in ledger.known.contacts}
    whose = {c.id: c.customer_id for c in ledger.known.contacts}
    seen: dict[tuple[str, str, str], Place] = {}
    for row in rows:
        key = (row.customer_id, row.channel, row.address)
        owner = ledger.owner(row.customer_id)
        if owner is None:
            ledger.refuse(row.place, "its customer is not in the ledger")
        elif owner.erased:
            ledger.refuse(row.place, "its customer was erased")
        elif key in seen:
            ledger.refuse(row.place, f"the same contact point is on line {seen[key].line}")
        else:
            # The address decides which contact point it is, so that a renumbered source makes no second one.
            identity = by_address.get(key) or row.id
            taken = (
                identity in ledger.contacts or whose.get(identity or "", row.customer_id) != row.customer_id
            )
            if identity is None or taken:
                identity = _contact_id(*key)
            seen[key] = row.place
            ledger.contacts[identity] = replace(row, id=identity)


def _contact_id(customer_id: str, channel: str, address: str) -> str:
    # A digest, because ids stand in reports and logs, where an address must not.
    return f"{customer_id}:{channel}:{hashlib.sha256(address.encode()).hexdigest()[:12]}"


def _invoices(ledger: Ledger, rows: Sequence[InvoiceRow]) -> None:
    for row in _first_of_each(ledger, rows):
        owner, old = ledger.owner(row.customer_id), ledger.known.invoices.get(row.id)
        if owner is None:
            ledger.refuse(row.place, "its customer is not in the ledger")
        elif owner.currency != row.currency:
            ledger.refuse(row.place, f"it is in {row.currency}, its customer's account in {owner.currency}")
        elif old and old.ext_system != ledger.ext_system:
            ledger.refuse(row.place, f"this invoice id comes from {old.ext_system}")
        elif old and old.customer_id != row.customer_id:
            ledger.refuse(row.place, "this invoice id belongs to another customer")
        else:
            ledger.invoices[row.id] = _with_due_date(row, owner)


def _with_due_date(row: InvoiceRow, owner: Owner) -> InvoiceRow:
    terms = row.terms_days if row.terms_days is not None else owner.terms_days
    if row.due_date is not None or terms is None:
        return row
    return replace(row, due_date=row.issue_date + timedelta(days=terms))
