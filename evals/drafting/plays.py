"""Conversations in which the model in question writes, and what it writes judged: our first messages, answers, free texts."""

import tomllib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import cache
from importlib import resources
from typing import Any, Literal, cast

from evals.bench.people import COMPANY
from evals.drafting.judge import DEMANDS, DISCLOSED, Written, faults, read
from evals.drafting.templates import Judged
from evals.drafting.truth import Bill, Truth
from evals.scenarios.events import Message, Plan, Play, Promise
from evals.scenarios.scenario import Call, Contact, Customer, Decides, Invoice, Reaches, Says, Scenario
from tools.dunning.generate_dunning_message import MessageChannel
from tools.dunning.templates import LANGUAGES, Language

Source = Literal["written by the model", "free text"]
_NOW = datetime.fromisoformat("2026-03-17T10:05:00-05:00")
_CHANNELS: tuple[MessageChannel, ...] = ("sms", "email")
_STEPS: dict[str, timedelta] = {  # days that the oldest invoice is late at each step
    "early_notice": timedelta(-7), "reminder_1": timedelta(6), "reminder_2": timedelta(15), "formal_notice": timedelta(46),
}  # fmt: skip
_SILENT = ("condolence", "crisis")
_NEVER = [
    {"what": "message", "purpose": "formal_notice", "turn": 1}
]  # a scenario asks for something; nobody looks
_ACCOUNTS: dict[str, tuple[str, str | None, list[tuple[str, str]]]] = {
    "one invoice": ("Wendell Oakes", "Wendell", [("RF-2207", "1480.00")]),
    "three invoices": ("Ana López", "Ana", [("1042", "312.50"), ("1057", "1.00"), ("1060", "89.95")]),
    "25 invoices": ("Tobias Feld", "Tobias", [(f"LPM-{n:04}", f"{100 + 7 * n}.{n:02}") for n in range(1, 26)]),
    "ten million": ("Leopold Vance", "Leopold", [("GPH-0123", "9999999.99")]),
    "nobody by name": ("Accounts Payable", None, [("CR-88", "210.00")]),
}  # fmt: skip


def _scenario(name: str, account: str, language: Language, late: timedelta, turns: Sequence[Any]) -> Scenario:
    who, _, owed = _ACCOUNTS[account]
    contacts = tuple(Contact(channel=channel, name=who) for channel in _CHANNELS)
    invoices = [
        Invoice(number=number, amount=amount, due=_NOW.date() - late + timedelta(days=n % 3))
        for n, (number, amount) in enumerate(owed)
    ]
    return Scenario.model_validate({
        "id": name.lower().replace(" ", "-").replace("_", "-"), "category": "drafting", "about": "A message to be judged.",
        "rule": "policy.md 5", "now": _NOW,
        "customer": Customer(name=who, kind="business" if account == "nobody by name" else "consumer", language=language, mode="automatic", contacts=contacts),
        "invoices": invoices, "turns": turns, "must": _NEVER,
    })  # fmt: skip


def begun() -> Iterator[tuple[str, Scenario]]:
    """Every ladder step that writes, to every account: whatever waits for a manager is approved."""
    for step, late in _STEPS.items():
        for account in _ACCOUNTS:
            for language in LANGUAGES:
                for channel in ("email",) if step == "formal_notice" else _CHANNELS:
                    turns = [Reaches(do="reaches", step=cast(Any, step), channel=channel), Decides(do="decides", decision="approve")]  # fmt: skip
                    name = f"{step} {channel} {language} {account}"
                    yield name, _scenario(name, account, language, late, turns)


def answered(*, full: bool = False) -> Iterator[tuple[str, Scenario]]:
    """Every question in both languages, from customers with one invoice and with three.

    On both channels; without `full` the latter write by SMS only.
    """
    for ask, texts in _toml("asks.toml").items():
        for account in ("one invoice", "three invoices"):
            for language in LANGUAGES:
                for channel in _CHANNELS if full or account == "one invoice" else ("sms",):
                    turns = [
                        Says(do="says", channel=channel, text=texts[language]),
                        Decides(do="decides", decision="approve"),
                    ]
                    name = f"{ask} {channel} {language} {account}"
                    yield name, _scenario(name, account, language, timedelta(20), turns)


def free(*, full: bool = False) -> Iterator[tuple[str, bool, Scenario]]:
    """Free texts by a model that writes what it likes: a name, whether it is honest, and the conversation.

    On one channel each, by turns; `full`: on both. A collector approves whatever is put before one: what is wrong must not come so far.
    """
    asked = {"en": "How much do I owe?", "es": "¿Cuánto debo?"}
    for n, body in enumerate(_toml("bodies.toml")["body"]):
        channels = ("sms",) if body.get("wrong") == "length" else _CHANNELS if full else (_CHANNELS[n % 2],)
        for channel in channels:
            call = Call(tool="generate_dunning_message", args={"purpose": "reply", "channel": channel, "body": body["text"]})  # fmt: skip
            says = Says(do="says", channel=channel, text=asked[body["language"]], oracle=[call])
            approved = Decides(do="decides", decision="approve", role="collector")
            name = f"{body.get('wrong', 'honest')} {n} {channel} {body['language']}"
            yield (
                name,
                "wrong" not in body,
                _scenario(name, "one invoice", body["language"], timedelta(18), [says, approved]),
            )


@cache
def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__ or "").joinpath(name).read_text("utf-8"))


def judged(name: str, source: Source, scenario: Scenario, play: Play) -> list[Judged]:
    """Every message that left in a play, judged; the first is the first of its conversation."""
    sent = [event for event in play.events if isinstance(event, Message)]
    asks = [turn for turn in scenario.turns if isinstance(turn, Says)]
    truth = _truth(scenario, play)
    found = []
    # What leaves in the same minute on two channels is read together: one of them says who writes.
    together = [event for event in sent if event.at == sent[0].at]
    first = next((event for event in together if DISCLOSED.search(event.text)), sent[0] if sent else None)
    for event in sent:
        message = Written(
            channel=event.channel, language=scenario.customer.language, subject=event.subject, body=event.text,
            purpose=event.purpose, template=None, first=event is first, begun=not asks and event.purpose in DEMANDS,
            silent=event.purpose in _SILENT, unnamed=name.startswith("wrong_number"),
            collects=event.purpose in DEMANDS or (event.purpose != "receipt" and _asks_for_money(event.text, truth)),
        )  # fmt: skip
        found.append(Judged(name, source, message, faults(message, truth), read(message, truth)))
    return found


def _asks_for_money(text: str, truth: Truth) -> bool:
    return any(bill.number in text or (bill.link and bill.link in text) for bill in truth.bills)


def _truth(scenario: Scenario, play: Play) -> Truth:
    account = next(a for a in _ACCOUNTS.values() if a[0] == scenario.customer.contacts[0].name)
    promised = [event for event in play.events if isinstance(event, Promise)]
    planned = [event for event in play.events if isinstance(event, Plan)]
    parts = [part for event in planned for part in _monthly(event)]
    return Truth(
        company=COMPANY.name, customer=scenario.customer.name, first_name=account[1], currency="USD",
        bills=[
            Bill(i.number, Decimal(i.amount), Decimal(i.amount), i.due, f"https://pay.example/{i.number}")
            for i in scenario.invoices
        ],
        amounts=[*(Decimal(event.amount) for event in promised), *(amount for amount, _ in parts)],
        days=[*(event.on for event in promised), *(on for _, on in parts)],
    )  # fmt: skip


def _monthly(plan: Plan) -> list[tuple[Decimal, date]]:
    """The parts of a plan as one reckons them on paper: equal ones, and the odd cents with the last."""
    if plan.total is None or plan.first_on is None:
        return []
    total = Decimal(plan.total)
    part = (total / plan.instalments).quantize(Decimal("0.01"), ROUND_DOWN)
    months = [plan.first_on.year * 12 + plan.first_on.month - 1 + n for n in range(plan.instalments)]
    days = [plan.first_on.replace(year=month // 12, month=month % 12 + 1) for month in months]
    return [(part, on) for on in days[:-1]] + [(total - part * (plan.instalments - 1), days[-1])]
