"""What the newest message wants: intents, a certain promise, terms of a plan, or a question to ask back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.models.offline.dates import find_dates
from agent.models.offline.document import Document
from agent.models.offline.heard import corrected, words_of
from agent.models.offline.payments import (
    Payment,
    clauses,
    find,
    joined,
    promised_before,
    read_payments,
    stated,
)
from agent.models.offline.terms import PlanTerms, read_terms
from agent.signals import classifier, phrases, talk
from agent.signals.reading import Sentence, sentences
from agent.signals.record import mentioned

# Intents that answer no question.
_NO_ANSWER = frozenset(["thanks", "nod", "later", "accept", "preference", "hedge", "condition", "payday"])
# Templates that a bare date answers.
_ASKED_FOR_A_DATE = frozenset(["reminder_2", "formal_notice", "promise_question"])
_ASKED_BACK = ("promise_question", "clarify")
_DOUBTS = frozenset(["hedge", "condition", "refusal", "late", "concession"])
_NO_MATTER = frozenset(
    ["nod", "greeting", "accept", "told", "request", "condition", "hedge"]
)  # nothing is asked or settled by these
_SMALL = {"thanks", "nod", "greeting", "preference", "accept", "later"}
_WORD = re.compile(r"[a-z]+")
# Addresses are replaced before we read: one that a message is sent to, uses or has as its name is a new one.
_ELSEWHERE = re.compile(
    r"(?:\b(?:to|use|using|at|is|are|via|through|mailbox|inbox|address|instead|a|al|es|usen?|usar|correo|buzon)\b[^\w\[]{0,3}(?:\w+[^\w\[]{1,3}){0,2})\[email\]",
    re.IGNORECASE,
)
_SHORT = 12  # words: an answer to a question of ours
_TELLING = 5  # words: a shorter line is a name or a telephone number below the text


@dataclass(frozen=True, slots=True)
class Understanding:
    """`payments` are certain; `asks` says that payment was spoken of without being certain."""

    intents: frozenset[str]
    quotes: Mapping[str, str]
    payments: Sequence[Payment]
    asks: bool
    terms: PlanTerms | None
    invoices: Sequence[str]  # ids whose number stands in the message
    promised: Sequence[str] = ()  # ids of those that the payments are for; none: all that may be asked for
    open_question: bool = False  # something was asked that no intent answers
    small_talk: bool = False  # thanks, nods and greetings, and nothing longer that was not understood
    beside: str | None = None  # the sentences of the promise, where others say something else


def understand(document: Document) -> Understanding:
    """Read the newest inbound message. The same words on the same day always mean the same."""
    text = words_of(document.newest) if document.newest else ""
    numbers = {bill.id: bill.number for bill in document.account.invoices}
    read = _read(text)
    quotes: dict[str, str] = {}
    for one in read:
        for name in one.intents:
            quotes.setdefault(name, one.said[:500])
    meant = corrected(text)
    promise = _promise(read, meant, document)
    terms = read_terms(
        _terms_text(meant, document), document, wanted="plan" in quotes and len(promise.payments) < 2
    )
    if terms and promise.payments and not terms.said:
        terms = None  # parts were spoken of, and one payment was promised
    payments = () if terms else promise.payments
    return Understanding(
        intents=frozenset(quotes),
        quotes=quotes,
        payments=payments,
        asks=promise.asks and not payments and terms is None,
        terms=terms,
        invoices=mentioned(text, numbers),
        promised=_invoices(promise, text, numbers) if payments else (),
        open_question=any(
            one.said.rstrip().endswith("?") and not one.intents - _NO_ANSWER and not payments for one in read
        ),
        small_talk=bool(_SMALL & quotes.keys()) and not any(_says_more(one, document) for one in read),
        beside=promise.words if promise.beside and payments else None,
    )


def _invoices(promise: "_Promise", text: str, numbers: Mapping[str, str]) -> Sequence[str]:
    """The invoices that are promised: those of its own sentences; of a whole message, all that it names."""
    named = mentioned(promise.words, numbers)
    return named if named or promise.beside else mentioned(text, numbers)


@dataclass(frozen=True, slots=True)
class _Read:
    """One sentence: as it was said, as it was meant, what it wants."""

    said: str
    meant: Sentence
    intents: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Promise:
    """The certain payments and the words that name them, else whether payment was spoken of; whether more was said beside."""

    payments: Sequence[Payment]
    words: str
    asks: bool = False
    beside: bool = False


def _read(text: str) -> list[_Read]:
    """The sentences of `text` and what each wants."""
    said, meant = sentences(text), sentences(corrected(text))
    if len(said) != len(meant):  # a slip that was undone never ends a sentence
        meant = said
    return [
        _Read(one.text, right, frozenset(_intents(right))) for one, right in zip(said, meant, strict=True)
    ]


def _promise(read: Sequence[_Read], text: str, document: Document) -> _Promise:
    """What is promised: by the whole message, by single sentences of it, or together with what came before."""
    intents = frozenset(name for one in read for name in one.intents)
    relevant = [one.meant.text for one in read if {"pay", "late"} & one.intents]
    topic = " . ".join(relevant)
    if not find_dates(topic, document.today):
        topic = text
    bare = "refusal" not in intents and _is_bare(document, text)
    asks = bool({"pay", "late", "payday"} & intents) or bare
    payments, unclear = read_payments(topic, document)
    doubtful = bool(_DOUBTS & intents) or unclear
    earlier = _unfinished(document)
    if (
        bare
        and earlier
        and payments
        and not find(text, document).sums
        and find(corrected(earlier), document).sums
    ):
        # "Monday" after "300": of that; after "some of it": of nothing certain.
        payments = joined(corrected(earlier), text, document)
        return _Promise(payments, f"{earlier} {text}", asks=True)
    if payments and not doubtful and ("pay" in intents or (bare and _answers_for_itself(document, text))):
        return _Promise(_as_before(payments, topic, document), topic, beside=len(relevant) < len(read))
    single = [part for one in read for part in ([one] if _may_promise(one) else _clauses(one))]
    told: list[tuple[_Read, Sequence[Payment]]] = [(one, stated(one.meant.text, document)) for one in single]
    if (
        not any(some for _, some in told)
        and not {"refusal", "late"} & intents
        and not find(text, document).sums
    ):
        told = [(one, _of_all(one, document)) for one in single]
    payments = [payment for _, some in told for payment in some]
    if payments and len({payment.on for payment in payments}) == len(payments):
        words = " ".join(one.meant.text for one, some in told if some)
        by_day = sorted(payments, key=lambda payment: payment.on)
        return _Promise(by_day, words, beside=len(words) < len(text))
    if earlier and not doubtful and (bare or len(text.split()) <= _SHORT):
        payments = joined(corrected(earlier), text, document)
        if payments:
            return _Promise(payments, f"{earlier} {text}")
    return _Promise((), topic, asks=asks or _speaks_of_a_day(single, document))


def _of_all(one: _Read, document: Document) -> Sequence[Payment]:
    """A sentence that says that payment comes on a day, and no sum: all of it, or what was promised before."""
    payments, unclear = read_payments(one.meant.text, document) if "pay" in one.intents else ([], True)
    return [] if unclear else _as_before(payments, one.meant.text, document)


def _clauses(one: _Read) -> Sequence[_Read]:
    """The parts of a sentence that may promise, where it does not as a whole: what was paid, and what is still to come."""
    if one.intents & (_DOUBTS | {"request"}):
        return []
    return [part for part in _read(" . ".join(clauses(one.meant.text))) if _may_promise(part)]


def _may_promise(one: _Read) -> bool:
    """Whether a sentence, where it names a sum and a day, promises them: it doubts, asks, refuses and tells nothing."""
    if one.intents & (_DOUBTS | {"told", "request"}):
        return False
    return "pay" in one.intents or not one.said.rstrip().endswith("?")


def _speaks_of_a_day(read: Sequence[_Read], document: Document) -> bool:
    """Whether a sum and a time of its payment are named, with a doubt about either."""
    return any((found := find(one.meant.text, document)).days and found.sums for one in read)


def _as_before(payments: Sequence[Payment], topic: str, document: Document) -> Sequence[Payment]:
    """A promise that is moved to another day, without a sum, is of the sum that was promised."""
    before = promised_before(document)
    if len(payments) == 1 and payments[0].amount is None and before and not find(topic, document).sums:
        return [Payment(before, payments[0].on)]
    return payments


def _unfinished(document: Document) -> str | None:
    """The customer's message before the newest, where we have only asked back since."""
    heard = [said for said in document.conversation if said.direction == "in"]
    if len(heard) < 2:
        return None
    if _at_once(document):
        # Two messages in a row: the first is unfinished where it names a sum or a day, and not both.
        before = find(corrected(words_of(heard[-2])), document)
        return words_of(heard[-2]) if bool(before.days) != bool(before.sums) else None
    last = document.last_sent
    return words_of(heard[-2]) if last is not None and last.template in _ASKED_BACK else None


def _at_once(document: Document) -> bool:
    """Whether the newest message follows another on its channel, with nothing of ours between them."""
    before = document.conversation[-2:]
    return len(before) == 2 and all(
        said.direction == "in" and said.channel == before[0].channel for said in before
    )


def _terms_text(meant: str, document: Document) -> str:
    """What terms of a plan are read from: the newest words, with those that they finish."""
    heard = [said for said in document.conversation if said.direction == "in"]
    return f"{corrected(words_of(heard[-2]))} . {meant}" if _at_once(document) else meant


def _says_more(one: _Read, document: Document) -> bool:
    """Whether a sentence says something beside thanks and nods that was not understood."""
    if one.intents - _NO_MATTER:
        return False
    left = one.meant.plain
    for rule in _rules():
        if rule.name in ("nod", "greeting", "accept"):
            left = phrases.mask(rule.phrases, left)
    return len(_WORD.findall(left)) >= _TELLING or bool(find(one.meant.text, document).days)


def _intents(sentence: Sentence) -> list[str]:
    """What one sentence wants."""
    rules = [rule for rule in _rules() if rule.name != "filler"]
    found = [rule.name for rule in (*rules, *talk.intents()) if rule.find(sentence.plain)]
    if _ELSEWHERE.search(sentence.text):
        found.append("contact_change")
    return found or _learned(sentence)


def _learned(sentence: Sentence) -> list[str]:
    """What the classifier hears where no phrase does: what 4,465 messages had in common.

    Made by `python -m evals.intents.train`. A name or a number below a text is no sentence and is not asked about.
    """
    if len(_WORD.findall(sentence.plain)) < _TELLING:
        return []
    margins = classifier.load("agent.models.offline", "intents.npz").margins(sentence.plain)
    return [name for name, margin in margins.items() if margin > 0]


def _answers_for_itself(document: Document, text: str) -> bool:
    """Whether a bare day is a promise: after we asked for one, or with its sum ("$200 Friday, the rest the 27th")."""
    last = document.last_sent
    return last is not None and (last.template in _ASKED_FOR_A_DATE or bool(find(text, document).sums))


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
