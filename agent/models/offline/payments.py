"""The payments that a customer names: which sums on which days, told of so that nobody could doubt it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from agent.models.offline.amounts import FoundAmount, find_amounts
from agent.models.offline.dates import FoundDate, find_dates
from agent.models.offline.document import Document
from tools.money import Money, NotMoney

_ASKS_US = re.compile(
    r"\b(?:remind|call|text|email|e-mail|write|contact|message) me\b|\b(?:recuerdeme|recuérdeme|llameme|llámeme|escribame|escríbame)\b",
    re.IGNORECASE,
)
# "Friday or so", "next week or Monday": the day beside such a word is one of two.
_EITHER = re.compile(r"\b(?:or|o|u)\b", re.IGNORECASE)
_CLAUSE = re.compile(
    r"[,;:()]\s+|\s+(?:-|\u2013|\u2014)\s+|\s+(?:but|and|so|because|pero|y|porque|as for)\s+", re.IGNORECASE
)
_MOST = 6  # payments of one promise


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment that the customer named; `amount` None is all that is owed."""

    amount: Decimal | None
    on: date


@dataclass(frozen=True, slots=True)
class Found:
    """The days and the sums of some words, in order."""

    days: Sequence[FoundDate]
    sums: Sequence[FoundAmount]

    @property
    def certain(self) -> list[date]:
        """The days that are certain, each once."""
        return list(dict.fromkeys(day.on for day in self.days if day.on))

    @property
    def plain(self) -> bool:
        """Days and sums are there, and every one of them is certain."""
        return (
            bool(self.days and self.sums) and not self.vague and all(s.kind != "unclear" for s in self.sums)
        )

    @property
    def vague(self) -> bool:
        """A time is named that is no certain day."""
        return any(day.on is None for day in self.days)


def clauses(sentence: str) -> list[str]:
    """The parts of a sentence."""
    return [part for part in _CLAUSE.split(sentence) if part.strip()]


def find(text: str, document: Document) -> Found:
    """Days and sums of `text`. What will happen on a day that is named ("payday, the 26th") is no second day."""
    days = find_dates(text, document.today)
    known = [bill.number for bill in document.account.invoices]
    figures = {bill.balance for bill in document.account.invoices} | {owed(document)}
    sums = find_amounts(text, document.account.currency, dates=days, numbers=known, figures=figures)
    if any(day.on for day in days) and not _EITHER.search(text):
        days = [day for day in days if not day.event]
    return Found(days, sums)


def owed(document: Document) -> Decimal:
    """What may be promised, all together."""
    return sum((bill.balance for bill in document.promisable()), Decimal(0))


def read_payments(text: str, document: Document) -> tuple[list[Payment], bool]:
    """The payments of `text`, oldest first, and whether anything about them is unclear."""
    if _ASKS_US.search(text):  # a date on which *we* shall do something promises nothing
        return [], False
    return paired(find(text, document), document)


def paired(found: Found, document: Document) -> tuple[list[Payment], bool]:
    """Days and sums put together, and whether that leaves a doubt."""
    if not found.days or found.vague or any(amount.kind == "unclear" for amount in found.sums):
        return [], bool(found.days)
    days, sums = found.certain, list(found.sums)
    # "Thursday or Friday" names two days for one payment.
    if len(days) > 1 and len(days) != len(sums):
        return [], True
    if len(sums) > len(days):
        sums = _one_sum(sums)
    if len(sums) > len(days) or len(days) > _MOST:
        return [], True
    if not sums:
        return [Payment(None, days[0])], False
    return _in_order(sums, days, document)


def stated(sentence: str, document: Document) -> list[Payment]:
    """The payments that one sentence states with a sum and a day each; none where either is in doubt.

    Where the sentence speaks of more than these, the part of it that has both is read by itself.
    """
    found = find(sentence, document)
    if not found.certain or not found.sums or _ASKS_US.search(sentence):
        return []
    if found.plain:
        payments, unclear = paired(found, document)
        if payments and not unclear:
            return payments
    parts = [find(part, document) for part in clauses(sentence)]
    whole = [part for part in parts if part.plain]
    payments = []
    for part in whole:
        read, unclear = paired(part, document)
        if unclear:
            return []
        payments += read
    return payments or _across(parts, document)


def _across(parts: Sequence[Found], document: Document) -> list[Payment]:
    """The one certain day and the one sum of a sentence, each in its own part: "it leaves Monday, 1312 even"."""
    days = [day for part in parts if not part.vague for day in part.days]
    sums = [sum_ for part in parts for sum_ in part.sums]
    if len({day.on for day in days}) != 1 or len(sums) != 1 or sums[0].kind == "unclear":
        return []
    payments, unclear = paired(Found(days, sums), document)
    return [] if unclear else payments


def joined(earlier: str, newest: str, document: Document) -> list[Payment]:
    """What the answer to our question adds to what was said before it: the sum to the day, or the day to the sum."""
    before, now = _told_of(earlier, document), find(newest, document)
    if now.sums and not now.days and len(before.certain) == 1 and not before.vague:
        days, sums = before.days, now.sums
    elif now.certain and not now.sums and not now.vague and all(s.kind != "unclear" for s in before.sums):
        days, sums = now.days, before.sums
    else:
        return []
    payments, unclear = paired(Found(days, sums), document)
    return [] if unclear else payments


def _told_of(earlier: str, document: Document) -> Found:
    """Days and sums of the one part of `earlier` that has both, else of all of it."""
    parts = [find(part, document) for part in clauses(earlier)]
    both = [part for part in parts if part.certain and part.sums]
    return both[0] if len(both) == 1 else find(earlier, document)


def _one_sum(amounts: Sequence[FoundAmount]) -> list[FoundAmount]:
    """One amount where a sum is said twice: "the full $300"."""
    exact = [amount for amount in amounts if amount.kind == "exact"]
    if len({amount.value for amount in exact}) == 1 and all(
        a.kind in ("exact", "all", "same", "rest") for a in amounts
    ):
        return exact[:1]
    return list(amounts[:1]) if not exact and {a.kind for a in amounts} == {"all"} else list(amounts)


def _in_order(
    amounts: Sequence[FoundAmount], days: Sequence[date], document: Document
) -> tuple[list[Payment], bool]:
    """Amounts and days in the order of the text; "the rest", or the second half, is what those before leave of it all."""
    everything, currency = owed(document), document.account.currency
    payments: list[Payment] = []
    for amount, on in zip(amounts, days, strict=True):
        value = amount.value
        if payments and amount.kind in ("rest", "half"):
            value = everything - sum((p.amount or Decimal(0) for p in payments), Decimal(0))
        elif amount.kind == "half":
            value = _half(everything, currency)
        elif amount.kind == "same":
            value = promised_before(document)
            if value is None:
                return [], True
        elif amount.kind == "rest" or (payments and amount.kind == "all"):
            return [], True
        if value is not None and value <= 0:
            return [], True
        payments.append(Payment(value, on))
    return sorted(payments, key=lambda payment: payment.on), False


def promised_before(document: Document) -> Decimal | None:
    """The sum of the one promise that is open; None where there is none, or several."""
    known = [promise.amount for promise in document.account.promises if promise.state == "open"]
    return known[0] if len(known) == 1 else None


def _half(whole: Decimal, currency: str) -> Decimal:
    """The smaller half of it, in whole minor units; 0 where it has none."""
    try:
        return Money.of(whole, currency).instalments(2)[0].decimal
    except NotMoney:
        return Decimal(0)
