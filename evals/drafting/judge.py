"""One message, read as a careful person would: what is wrong with it, in words. Read from the text, not from the draft's own flags."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Literal

from agent.signals.language import written_in
from evals.drafting.readability import Reading, reading
from evals.drafting.truth import Truth, plain
from tools.dunning.generate_dunning_message import MessageChannel, Purpose
from tools.dunning.preview import telling
from tools.dunning.segments import MAX_SEGMENTS, segments
from tools.dunning.templates import Language
from tools.dunning.wording import denied

Kind = Literal[
    "untraced figure", "denied wording", "no way out", "no identity", "telling preview", "says too much", "says too little",
    "wrong name", "wrong language", "wrong tone", "left open", "too long",
]  # fmt: skip
MOST_WORDS = 200  # of an email, apart from the lines that list invoices
DEMANDS: tuple[Purpose, ...] = ("early_notice", "reminder", "formal_notice", "plan_offer")
TONES = {
    "reminder": ("friendly", "direct"),
    "formal_notice": ("formal",),
}  # every other purpose: service or friendly
DISCLOSED = re.compile(r"automated assistant|asistente automatizado", re.IGNORECASE)
_WAY_OUT = re.compile(r"(?:[Rr]eply|[Rr]esponda).{0,20}\bSTOP\b")
_GREETED = re.compile(
    r"(?:\b(?:Hi|Hello)|\bHola,|\bDear|[Tt]hank you,|[Tt]hank you for (?:your message|telling us),|[Gg]racias(?: por \w+(?: \w+)?)?,)"
    r" ([A-ZÁÉÍÓÚÑ][\w'’-]*)"
)
_OPEN = re.compile(
    r"[{}\\]|\bNone\b|\bnull\b|\[|  | [,.;:!?](?!\w)|,\.|[,;:]\Z|:\n(?!\n)|\(\)|\b(?:of|on|de|por) ?[.,]"
)
_PRESSING = re.compile(
    r"\byou must\b|\byou have to\b|\bimmediately\b|\bwe (?:demand|require|insist|expect)\b|\bfail(?:ure)? to\b|!!|[^¡]!\s*\Z"
    r"|\busted debe\b|\btiene que pagar\b|\bde inmediato\b|\bexigimos\b|\bobligad[oa]\b",
    re.IGNORECASE,
)
_CAPITALS = re.compile(r"\b[A-ZÁÉÍÓÚÑ]{3,}\b")
_MEANT = {"STOP", "YES", "ACEPTO", "LLC"}
_CASUAL = re.compile(
    r"\b(?:Hi|Hey|Thanks)\b|\w'(?:re|ll|ve|m|t)\b|\bHola\b", re.IGNORECASE
)  # not in a letter
_LINE = re.compile(r"^- .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Written:
    """A message as the customer gets it. `template` None: free text, or not known.

    `first`: of the conversation. `needs`: placeholders that its text cannot do without. `tone`: what it was written as.
    `silent`: it may speak of no debt and of no one. `collects`: it counts as collection and carries the way out.
    """

    channel: MessageChannel
    language: Language
    subject: str
    body: str
    purpose: Purpose | None
    template: str | None
    first: bool
    collects: bool
    begun: bool = False  # by us: nobody asked
    silent: bool = False
    unnamed: bool = False  # it goes to somebody else than the customer: it says not even who we are
    tone: str = "service"
    uses: Sequence[str] = field(default=())
    needs: Sequence[str] = field(default=())

    @property
    def words(self) -> int:
        """Words of the body, apart from the lines that list invoices and payments."""
        return len(_LINE.sub("", self.body).split())

    @property
    def segments(self) -> int:
        """Of a text message; 0 for an email."""
        return segments(self.body) if self.channel == "sms" else 0


def read(message: Written, truth: Truth) -> Reading:
    """How hard it is to read, apart from lines that list invoices; names and links are the customer's, no words of ours."""
    return reading(_LINE.sub("", _without_names(message.body, truth)), message.language)


def _without_names(text: str, truth: Truth) -> str:
    links = [bill.link for bill in truth.bills]
    return _names(tuple(filter(None, (truth.company, truth.customer, truth.first_name, *links)))).sub(
        "Acme", text
    )


@cache
def _names(names: tuple[str, ...]) -> re.Pattern[str]:
    """The names, with accents or without: a text message leaves out those that would cost a segment."""
    longest = sorted(set(names), key=len, reverse=True)
    written = (
        "".join(f"[{char}{plain(char)}]" if plain(char) != char else re.escape(char) for char in name)
        for name in longest
    )
    return re.compile("|".join(written))


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong with a message."""

    kind: Kind
    what: str


def faults(message: Written, truth: Truth) -> list[Fault]:
    """Everything that is wrong with `message` to the account of `truth`; empty: it may go."""
    return [
        *_true(message, truth),
        *_owed_to_the_customer(message, truth),
        *_complete(message, truth),
        *_well_put(message, truth),
    ]


def _true(message: Written, truth: Truth) -> Iterator[Fault]:
    text = f"{message.subject}\n{message.body}"
    for figure in truth.unexplained(text, message.language, crisis=message.purpose == "crisis"):
        yield Fault("untraced figure", figure)
    for phrase in denied(_without_names(text, truth)):  # Ms Sue may get mail
        yield Fault("denied wording", phrase)


def _owed_to_the_customer(message: Written, truth: Truth) -> Iterator[Fault]:
    """Policy 5: who writes, the way out, nothing for a bystander."""
    if message.collects and not _WAY_OUT.search(message.body):
        yield Fault("no way out", "it does not say how to opt out")
    if message.first and not DISCLOSED.search(message.body):
        yield Fault("no identity", "it does not say that an automated assistant writes")
    company = plain(truth.company)
    if message.first and not message.unnamed and company not in plain(message.body + message.subject):
        yield Fault("no identity", "it does not say for whom it is written")
    if message.channel == "email" or message.begun:
        subject = _without_names(message.subject, truth) if message.channel == "email" else None
        for word in telling(subject, _without_names(message.body, truth)):
            yield Fault("telling preview", word)
    if message.silent:
        private = [truth.customer, truth.first_name, *(bill.number for bill in truth.bills)]
        private += [
            truth.money(truth.balance, message.language),
            *([truth.company] if message.unnamed else []),
        ]
        for told in filter(None, private):
            if re.search(rf"(?<!\w){re.escape(told)}(?!\w)", message.body + message.subject):
                yield Fault("says too much", told)
    if message.silent and "http" in message.body:
        yield Fault("says too much", "a link to pay")


def _complete(message: Written, truth: Truth) -> Iterator[Fault]:
    """What it was written for is in it, and whatever it names is right."""
    body, missing = message.body, []
    if "balance" in message.needs and truth.money(truth.balance, message.language) not in body:
        missing.append("the balance")
    if "customer.name" in message.needs and truth.customer not in body:
        missing.append("the customer's name")
    named = [bill for bill in truth.bills if bill.number in body]
    if "invoice_list" in message.needs and len(named) < min(3, len(truth.bills)):
        missing.append("the invoices")
    lines = [line for line in _LINE.findall(body) if any(bill.number in line for bill in truth.bills)]
    if lines and sum(map(_amount, lines), Decimal(0)) != truth.balance:
        missing.append("invoices that add up to the balance")
    if {"promise.schedule", "plan.schedule", "payment.amount"} & set(message.needs) and not any(
        truth.money(amount, message.language) in body for amount in truth.amounts
    ):
        missing.append("the amounts")
    links = {bill.link for bill in truth.bills if bill.link}
    fits = message.channel == "email" or len(links) in (1, 2)
    if links and fits and "payment_link" in message.uses and not any(link in body for link in links):
        missing.append("the link to pay")
    if truth.first_name and "customer.first_name" in message.uses and truth.first_name not in body:
        missing.append("the customer's first name")
    yield from (Fault("says too little", what) for what in missing)
    for name in _GREETED.findall(body):
        if name != truth.first_name and not (truth.first_name or "").startswith(f"{name} "):
            yield Fault("wrong name", name)


def _amount(line: str) -> Decimal:
    found = re.search(r": \D{1,3}([\d,]+\.\d\d)\b", line)
    return Decimal(found[1].replace(",", "")) if found else Decimal(0)


def _well_put(message: Written, truth: Truth) -> Iterator[Fault]:
    body = _without_names(message.body, truth)
    for found in _OPEN.finditer(f"{message.subject}\n{body}"):
        yield Fault("left open", repr(found[0]))
    if written_in(body) not in (message.language, None):
        yield Fault("wrong language", f"{written_in(body)} instead of {message.language}")
    yield from _tone(message, truth, body)
    if message.segments > MAX_SEGMENTS:
        yield Fault("too long", f"{message.segments} segments")
    if message.channel == "email" and message.words > MOST_WORDS:
        yield Fault("too long", f"{message.words} words")


def _tone(message: Written, truth: Truth, body: str) -> Iterator[Fault]:
    for found in _PRESSING.finditer(body):
        yield Fault("wrong tone", found[0])
    numbers = " ".join(bill.number for bill in truth.bills)
    for shouted in _CAPITALS.findall(body):
        if shouted not in _MEANT and shouted not in numbers and shouted != truth.currency:
            yield Fault("wrong tone", shouted)
    if message.purpose is not None and message.template is not None:
        if message.tone not in TONES.get(message.purpose, ("service", "friendly")):
            yield Fault("wrong tone", f"{message.tone} for {message.purpose}")
        if message.tone == "formal" and (casual := _CASUAL.search(body)):
            yield Fault("wrong tone", f"{casual[0]!r} in a formal letter")
