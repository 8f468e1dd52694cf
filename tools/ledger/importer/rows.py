"""A row of a file becomes a canonical value; BadCell names the column that does not let it."""

import re
from typing import cast

from tools.ledger.importer.cells import Cells
from tools.ledger.importer.model import (
    ContactRow,
    CustomerRow,
    DisputeLine,
    InvoiceRow,
    ReceiptLine,
)
from tools.ledger.model import LedgerState

_NET = re.compile(r"(?:net|n)\s*(\d{1,3})", re.IGNORECASE)
_AT_ONCE = re.compile(r"due (?:up)?on receipt|cod|immediate", re.IGNORECASE)


def _postal_area(code: str | None) -> str | None:
    area = (code or "").replace(" ", "").upper()[:3]
    return area if len(area) == 3 else None


def customer(cells: Cells) -> CustomerRow:
    """Read one customer."""
    currency = cells.currency()
    limit = cells.amount("credit_limit", currency)
    if limit is not None and limit < 0:
        raise cells.bad("credit_limit", "it is below zero")
    return CustomerRow(
        place=cells.row.place,
        id=cells.needed("id"),
        name=cells.needed("name"),
        kind=cells.choice("kind", default="unknown", unknown="unknown"),
        parent_id=cells.text("parent_id"),
        currency=currency,
        time_zone=cells.time_zone("time_zone"),
        region=cells.text("region"),
        postal_area=_postal_area(cells.text("postal_code")),
        language=cells.language("language"),
        terms_days=cells.number("terms_days"),
        credit_limit_minor=limit,
        status=cells.choice("status", default="active"),
        segment=cells.text("segment") or "default",
        owner=cells.text("owner"),
        hold_reason=cells.text("hold_reason"),
        do_not_contact=cells.flag("do_not_contact"),
        tags=tuple(tag.strip() for tag in (cells.text("tags") or "").split(";") if tag.strip()),
    )


def contact(cells: Cells) -> ContactRow:
    """Read one contact point."""
    channel = cells.choice("channel", default="")
    if not channel:
        raise cells.bad("channel", "it is empty")
    start, end = cells.hour("quiet_start"), cells.hour("quiet_end")
    if (start is None) != (end is None):
        raise cells.bad("quiet_end" if start else "quiet_start", "hours need a beginning and an end")
    return ContactRow(
        place=cells.row.place,
        id=cells.text("id"),
        customer_id=cells.needed("customer_id"),
        role=cells.choice("role", default="billing", unknown="other"),
        name=cells.text("name"),
        channel=channel,
        address=cells.address("address", channel),
        verified_at=cells.instant("verified_at"),
        consent=cells.choice("consent", default="unknown", unknown="unknown"),
        consent_source=cells.text("consent_source"),
        consent_at=cells.instant("consent_at"),
        opted_out_at=cells.instant("opted_out_at"),
        quiet_hours={"start": start, "end": end} if start and end else None,
    )


def invoice(cells: Cells) -> InvoiceRow:
    """Read one invoice. A negative amount is refused: a credit memo belongs into the credits."""
    currency = cells.currency()
    total = cells.needed_amount("total", currency)
    if total < 0:
        raise cells.bad("total", "a negative amount that is no credit memo")
    tax, stated = cells.amount("tax", currency) or 0, cells.amount("balance", currency)
    for field, amount in (("tax", tax), ("balance", stated)):
        if amount is not None and amount < 0:
            raise cells.bad(field, "it is below zero")
    number, terms = cells.needed("number"), cells.text("terms")
    return InvoiceRow(
        place=cells.row.place,
        id=cells.text("id") or number,
        customer_id=cells.needed("customer_id"),
        number=number,
        po_number=cells.text("po_number"),
        job_ref=cells.text("job_ref"),
        job_state=cells.text("job_state"),
        job_notes=cells.text("job_notes"),
        issue_date=cells.needed_day("issue_date"),
        due_date=cells.day("due_date"),
        terms=terms,
        terms_days=cells.number("terms_days") if cells.has("terms_days") else _terms_days(terms),
        currency=currency,
        total_minor=total,
        tax_minor=tax,
        stated_minor=stated,
        state=_state(cells),
        paid_date=cells.day("paid_date"),
        settled_on=cells.day("settled_on"),
        disputed=cells.flag("disputed") if cells.has("disputed") else None,
        posted_at=cells.instant("posted_at"),
        sent_at=cells.instant("sent_at"),
        payment_url=_link(cells),
        modified_at=cells.instant("modified_at"),
        deleted=cells.flag("deleted"),
    )


def payment(cells: Cells) -> ReceiptLine:
    """Read one row about a payment."""
    paid_on = cells.needed_day("paid_on")
    currency = cells.currency()
    return ReceiptLine(
        place=cells.row.place,
        kind="payment",
        id=cells.text("id"),
        customer_id=cells.text("customer_id"),
        invoice=cells.text("invoice"),
        on=paid_on,
        applied_on=paid_on,
        amount_minor=_above_zero(cells, "amount", cells.needed_amount("amount", currency)),
        applied_minor=_not_negative(cells, "applied", cells.amount("applied", currency)),
        remaining_minor=None,
        currency=currency,
        status=cells.choice("status", default="succeeded"),
        method=cells.choice("method", default="other", unknown="other"),
        reference=cells.text("reference"),
        failure_code=cells.text("failure_code"),
        processor_ref=cells.text("processor_ref"),
    )


def credit(cells: Cells) -> ReceiptLine:
    """Read one row about a credit memo."""
    issued = cells.needed_day("issue_date")
    currency = cells.currency()
    remaining = cells.amount("remaining", currency)
    return ReceiptLine(
        place=cells.row.place,
        kind="credit",
        id=cells.text("id"),
        customer_id=cells.text("customer_id"),
        invoice=cells.text("invoice"),
        on=issued,
        applied_on=cells.day("applied_on") or issued,
        amount_minor=_above_zero(cells, "amount", abs(cells.needed_amount("amount", currency))),
        applied_minor=_not_negative(cells, "applied", cells.amount("applied", currency)),
        remaining_minor=None if remaining is None else abs(remaining),
        currency=currency,
        status=_state(cells),
        number=cells.needed("number"),
    )


def dispute(cells: Cells) -> DisputeLine:
    """Read one row about a dispute."""
    currency = cells.currency()
    amount = cells.amount("amount", currency)
    return DisputeLine(
        place=cells.row.place,
        id=cells.text("id"),
        customer_id=cells.text("customer_id"),
        invoice=cells.needed("invoice"),
        reason=cells.choice("reason", default="other", unknown="other"),
        amount_minor=None if amount is None else _above_zero(cells, "amount", amount),
        currency=currency,
        state=cells.choice("state", default="open"),
        opened_at=cells.instant("opened_at"),
        closed_at=cells.instant("closed_at"),
        outcome=cells.text("outcome"),
    )


def _state(cells: Cells) -> LedgerState:
    """Without a status column an invoice is open; a status that the mapping does not know is `unknown`."""
    empty = "unknown" if cells.has("status") else "open"
    return cast(LedgerState, cells.choice("status", default=empty, unknown="unknown"))


def _terms_days(terms: str | None) -> int | None:
    if terms is None:
        return None
    net = _NET.fullmatch(terms)
    return int(net[1]) if net else 0 if _AT_ONCE.fullmatch(terms) else None


def _link(cells: Cells) -> str | None:
    url = cells.text("payment_url")
    if url is not None and not url.startswith("https://"):
        raise cells.bad("payment_url", "it is no https link")
    return url


def _above_zero(cells: Cells, field: str, minor: int) -> int:
    if minor <= 0:
        raise cells.bad(field, "it is not above zero")
    return minor


def _not_negative(cells: Cells, field: str, minor: int | None) -> int | None:
    if minor is not None and minor < 0:
        raise cells.bad(field, "it is below zero")
    return minor
