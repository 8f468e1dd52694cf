"""Agents that understand nothing, printed beside every score: what they pass, a scenario gives away.

A do-nothing agent passes 38 % of tau-bench's airline tasks (evals.md 1); here it should pass next to none.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from evals.scenarios.events import Dispute, Hold, Message, OptOut, Play, Seen, Task
from evals.scenarios.scenario import Happens, Reaches, Says, Scenario

Answer = Callable[[Scenario, int, Happens], Sequence[Seen]]


@dataclass(frozen=True, slots=True)
class Baseline:
    """An agent that answers each turn by itself and remembers nothing."""

    name: str
    answer: Answer

    async def play(self, scenario: Scenario) -> Play:
        """Every turn's answer, one after the other."""
        turns = enumerate(scenario.turns, 1)
        return Play(events=[event for number, turn in turns for event in self.answer(scenario, number, turn)])


def _reply(number: int, turn: Says, text: str) -> Message:
    return Message(turn=number, channel=turn.channel, text=text, purpose="reply")


def _nothing(_: Scenario, __: int, ___: Happens) -> Sequence[Seen]:
    return []


def _refuses(_: Scenario, number: int, turn: Happens) -> Sequence[Seen]:
    return [_reply(number, turn, "I am sorry, I cannot help with that.")] if isinstance(turn, Says) else []


def _escalates(_: Scenario, number: int, turn: Happens) -> Sequence[Seen]:
    if isinstance(turn, Says):
        said = _reply(number, turn, "Thank you. A member of our team will get back to you.")
        return [Task(turn=number, urgent=True), said]
    return [Task(turn=number)] if isinstance(turn, Reaches) else []


_STOP = re.compile(r"^\W*(stop|stopall|unsubscribe|cancel|end|quit|alto|baja|parar)\W*$", re.IGNORECASE)
_HOLDS: Mapping[str, str] = {
    "fraud_claim": r"fraud|identity theft|fraude",
    "representation": r"attorney|lawyer|bankrupt|abogado|bancarrota",
    "deceased": r"passed away|died|deceased|falleci",
    "hardship": r"lost my job|hardship|hospital|desemple",
    "payment_claim": r"already paid|paid (this|it)|ya pagu",
    "person_asked": r"real person|human|manager|persona",
}


def _keywords(scenario: Scenario, number: int, turn: Happens) -> Sequence[Seen]:
    """Keywords and templates, as the messaging products in use have them."""
    if isinstance(turn, Reaches):
        return [Message(turn=number, channel=turn.channel, text=_balance(scenario), purpose="reminder")]
    if not isinstance(turn, Says):
        return []
    if _STOP.match(turn.text):
        gone = _reply(number, turn, "You are opted out and will get no more messages.")
        return [
            OptOut(turn=number, channel=turn.channel),
            gone.model_copy(update={"purpose": "opt_out_confirmation"}),
        ]
    if re.search(r"dispute|never (received|ordered)|disput|reclam", turn.text, re.IGNORECASE):
        every = [invoice.number for invoice in scenario.invoices]
        noted = _reply(number, turn, "Your dispute is noted.")
        return [
            Dispute(turn=number, invoices=every),
            Hold(turn=number, reason="dispute"),
            Task(turn=number),
            noted,
        ]
    for reason, words in _HOLDS.items():
        if re.search(words, turn.text, re.IGNORECASE):
            held = Hold.model_validate({"turn": number, "reason": reason})
            return [held, Task(turn=number), _reply(number, turn, "Thank you. Our team will look at it.")]
    return [_reply(number, turn, _balance(scenario))]


def _balance(scenario: Scenario) -> str:
    owed = sum(Decimal(invoice.amount) - Decimal(invoice.paid) for invoice in scenario.invoices)
    return f"You owe ${owed:,.2f}. Reply STOP to opt out."


BASELINES = (
    Baseline("null", _nothing),
    Baseline("refuse-all", _refuses),
    Baseline("escalate-all", _escalates),
    Baseline("keyword-only", _keywords),
)
