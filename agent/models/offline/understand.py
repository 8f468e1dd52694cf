"""What the newest message wants: intents, a certain promise, terms of a plan, or a question to ask back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from agent.models.offline.amounts import FoundAmount, find_amounts
from agent.models.offline.dates import find_dates
from agent.models.offline.document import Document
from agent.models.offline.terms import PlanTerms, read_terms
from agent.signals import phrases, talk
from agent.signals.reading import Sentence, own_words, sentences
from agent.signals.record import mentioned
from tools.money import Money, NotMoney

# Intents that answer no question.
_NO_ANSWER = frozenset(["thanks", "nod", "later", "accept", "preference", "hedge", "condition", "payday"])
# Templates that a bare date answers.
_ASKED_FOR_A_DATE = frozenset(["reminder_2", "formal_notice", "promise_question"])
_ASKS_US = re.compile(
    r"\b(?:remind|call|text|email|e-mail|write|contact|message) me\b|\b(?:recuerdeme|recuérdeme|llameme|llámeme|escribame|escríbame)\b",
    re.IGNORECASE,
)
_SMALL = {"thanks", "nod", "greeting", "preference", "accept", "later"}
_WORD = re.compile(r"[a-z]+")
_TELLING = 5  # words: a shorter line is a name or a telephone number below the text


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment that the customer named; `amount` None is all that is owed."""

    amount: Decimal | None
    on: date


@dataclass(frozen=True, slots=True)
class Understanding:
    """`payments` are certain; `asks` says that payment was spoken of without being certain."""

    intents: frozenset[str]
    quotes: Mapping[str, str]
    payments: Sequence[Payment]
    asks: bool
    terms: PlanTerms | None
    invoices: Sequence[str]  # ids whose number stands in the message
    open_question: bool = False  # something was asked that no intent answers
    small_talk: bool = False  # thanks, nods and greetings, and nothing longer that was not understood


def understand(document: Document) -> Understanding:
    """Read the newest inbound message. The same words on the same day always mean the same."""
    text = own_words(document.newest.text) if document.newest else ""
    numbers = {bill.id: bill.number for bill in document.account.invoices}
    read = sentences(text)
    quotes = _intents(read)
    relevant = [s.text for s in read if "pay" in _intents([s]) or "late" in _intents([s])]
    topic = " . ".join(relevant)
    if not find_dates(topic, document.today):
        topic = text
    bare = "refusal" not in quotes and _is_bare(document, text)
    payments, unclear = _payments(topic, document)
    hedged = {"hedge", "condition", "refusal"} & quotes.keys()
    speaks_of_paying = bool({"pay", "late", "payday"} & quotes.keys()) or bare
    certain = (
        bool(payments)
        and not hedged
        and not unclear
        and "late" not in quotes
        and ("pay" in quotes or (bare and _answers_for_itself(document, text)))
    )
    terms = read_terms(text, document, wanted="plan" in quotes)
    if terms:
        certain = False
    return Understanding(
        intents=frozenset(quotes),
        quotes=quotes,
        payments=payments if certain else (),
        asks=speaks_of_paying and not certain and terms is None,
        terms=terms,
        invoices=mentioned(text, numbers),
        open_question=any(
            sentence.text.rstrip().endswith("?") and not _intents([sentence]).keys() - _NO_ANSWER
            for sentence in read
        ),
        small_talk=bool(_SMALL & quotes.keys())
        and not any(len(_WORD.findall(s.plain)) >= _TELLING and not _intents([s]) for s in read),
    )


def _intents(read: Sequence[Sentence]) -> dict[str, str]:
    """Intents by name, each with the first sentence that has it."""
    wanted = [rule for rule in _rules() if rule.name != "filler"]
    quotes: dict[str, str] = {}
    for sentence in read:
        for rule in (*wanted, *talk.intents()):
            if rule.name not in quotes and rule.find(sentence.plain):
                quotes[rule.name] = sentence.text[:500]
    return quotes


def _answers_for_itself(document: Document, text: str) -> bool:
    """Whether a bare day is a promise: after we asked for one, or with its sum ("$200 Friday, the rest the 27th")."""
    last = document.last_sent
    numbers = [bill.number for bill in document.account.invoices]
    days = find_dates(text, document.today)
    sums = find_amounts(text, document.account.currency, dates=days, numbers=numbers)
    return last is not None and (last.template in _ASKED_FOR_A_DATE or bool(sums))


def _is_bare(document: Document, text: str) -> bool:
    """A day, perhaps a sum, and nothing else: "Friday", "the 4th is ok"."""
    days = find_dates(text, document.today)
    if not days:
        return False
    for day in days:
        text = text[: day.start] + " " * (day.end - day.start) + text[day.end :]
    filler = next(rule for rule in _rules() if rule.name == "filler").phrases
    return not any(
        phrases.mask(filler, sentence.plain).replace("_", "").strip() for sentence in sentences(text)
    )


def _rules() -> Sequence[phrases.Rule]:
    return phrases.load("agent.models.offline", "intents.toml").rules


def _payments(topic: str, document: Document) -> tuple[list[Payment], bool]:
    """The payments of `topic`, oldest first, and whether anything about them is unclear."""
    found = find_dates(topic, document.today)
    known = [bill.number for bill in document.account.invoices]
    amounts = find_amounts(topic, document.account.currency, dates=found, numbers=known)
    days = list(dict.fromkeys(day.on for day in found))
    if _ASKS_US.search(topic):  # a date on which *we* shall do something promises nothing
        return [], False
    if not days or None in days or any(amount.kind == "unclear" for amount in amounts):
        return [], bool(days)
    certain = [day for day in days if day is not None]
    # "Thursday or Friday" names two days for one payment.
    if len(certain) > 1 and len(certain) != len(amounts):
        return [], True
    if len(amounts) > len(certain):
        amounts = _one_sum(amounts)
    if len(amounts) > len(certain) or len(certain) > 6:
        return [], True
    if not amounts:
        return [Payment(None, certain[0])], False
    owed = sum((bill.balance for bill in document.collectible()), Decimal(0))
    return _paired(amounts, certain, owed, document.account.currency)


def _one_sum(amounts: Sequence[FoundAmount]) -> list[FoundAmount]:
    """One amount where a sum is said twice: "the full $300"."""
    exact = [amount for amount in amounts if amount.kind == "exact"]
    if len({amount.value for amount in exact}) == 1 and all(a.kind in ("exact", "all") for a in amounts):
        return exact[:1]
    return list(amounts[:1]) if not exact and {a.kind for a in amounts} == {"all"} else list(amounts)


def _paired(
    amounts: Sequence[FoundAmount], days: Sequence[date], owed: Decimal, currency: str
) -> tuple[list[Payment], bool]:
    """Amounts and days in the order of the text; "the rest", or the second half, is what those before leave of `owed`."""
    payments: list[Payment] = []
    for amount, on in zip(amounts, days, strict=True):
        value = amount.value
        if payments and amount.kind in ("rest", "half"):
            value = owed - sum((p.amount or Decimal(0) for p in payments), Decimal(0))
        elif amount.kind == "half":
            value = _half(owed, currency)
        elif amount.kind == "rest" or (payments and amount.kind == "all"):
            return [], True
        if value is not None and value <= 0:
            return [], True
        payments.append(Payment(value, on))
    return sorted(payments, key=lambda payment: payment.on), False


def _half(owed: Decimal, currency: str) -> Decimal:
    """The smaller half of what is owed, in whole minor units; 0 where it has none."""
    try:
        return Money.of(owed, currency).instalments(2)[0].decimal
    except NotMoney:
        return Decimal(0)
