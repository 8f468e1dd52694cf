"""A signal as the record that it demands."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from agent.signals.model import Signal
from agent.signals.reading import fold
from tools.money import Money

# A number that is called one of an invoice, and any figure.
_CALLED = re.compile(
    r"(?:invoices?|inv|bill|facturas?|recibo|number|numero|no\.?|num\.?|nro\.?|#)[\s#:\-]*(\d+)(?![\d.,]*\d)"
)
_FIGURE = re.compile(r"(?<![\w.,/-])\d+(?:,\d{3})*(?:\.\d{1,2})?(?![\w/-]|[.,]\d)")


def as_record(signal: Signal, *, text: str, invoices: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of log_collection_activity for `signal`, found in the message `text`; always valid ones.

    `invoices` maps the ids of the customer's invoices to their numbers. Invoices whose number stands in the
    message are the contested or paid ones; none named means all that are overdue.
    """
    record: dict[str, Any] = {"kind": signal.kind, "quote": signal.quote}
    match signal.kind:
        case "dispute":
            named = mentioned(text, invoices)
            record |= {"reason": signal.detail or "other", "invoices": named, "amount": None}
        case "payment_claim":
            record |= {"invoices": mentioned(text, invoices)}
        case "opt_out":
            record |= {"scope": signal.detail or "this_channel"}
        case "representation":
            record |= {"basis": signal.detail}
        case "escalation":
            record |= {"why": signal.detail or "other"}
    return {"record": record}


def mentioned(text: str, invoices: Mapping[str, str]) -> list[str]:
    """Ids of the invoices whose number stands in `text`: in full, or its digits where they are four or more."""
    return [identity for identity, number in invoices.items() if spans(number, text)]


def numbered(text: str, invoices: Mapping[str, str]) -> list[str]:
    """Those that `mentioned` finds, and those called by a short number: "invoice 77" for INV-77, where it is one's alone."""
    called = {found.lstrip("0") for found in _CALLED.findall(fold(text))}
    tails: dict[str, list[str]] = {}
    for identity, number in invoices.items():
        for tail in re.findall(r"\d+$", number):
            tails.setdefault(tail.lstrip("0"), []).append(identity)
    short = [alike[0] for tail, alike in tails.items() if tail in called and len(alike) == 1]
    return [*mentioned(text, invoices), *short]


def priced(text: str, sums: Mapping[str, set[Money]]) -> list[str]:
    """Ids of the invoices of which one of their sums stands in `text` and is no other invoice's."""
    said = {Decimal(found.replace(",", "")) for found in _FIGURE.findall(text)}
    hits = {i: {money.decimal for money in monies} & said for i, monies in sums.items()}
    return [
        i for i, found in hits.items() if any(not any(f in hits[o] for o in hits if o != i) for f in found)
    ]


def spans(number: str, text: str) -> list[tuple[int, int]]:
    """Where that invoice number stands in `text`: "INV-1042" is also written "inv 1042" and "#1042"; "$1042" is money."""
    folded, number = fold(text), fold(number)
    if not re.search(r"[^\W_]", number):
        return []
    forms = [re.sub(r"[\W_]+", lambda _: r"[\W_]*", number)]
    digits = re.search(r"\d{4,}$", number)
    if digits:
        forms.append(digits.group())
    pattern = rf"(?<![^\W_])(?<![$€£])(?:{'|'.join(forms)})(?![^\W_])"
    return [match.span() for match in re.finditer(pattern, folded)]
