"""The suite `negotiation`: its bargains, and that it goes red when something is given away or miscounted."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage

from agent.models.scripted import ScriptedModel
from agent.policy.registry import allow
from agent.policy.rules import plans
from evals.bench.place import Place
from evals.negotiation.bargain import bargains
from evals.negotiation.generous import Generous
from evals.negotiation.table import haggle
from evals.scenarios.minds import Thinking
from evals.scenarios.play import Product, product
from evals.suites.negotiation import Score, result, score
from evals.suites.result import Figure
from tests.world import message, record, said
from tools.dunning import offers

PLAN = record("plan_request", instalments=3, every="month", first_on="2026-03-31", invoices=[], offer=None)
WAIVED = message(None, body="Good news, {{customer.first_name}}: we waive the fee.")


@asynccontextmanager
async def proposing(
    place: Place, *calls: Mapping[str, Any], without: frozenset[str] = frozenset()
) -> AsyncIterator[Product]:
    """The product with a model that makes these calls once in every turn."""

    def think(messages: Sequence[BaseMessage], _: Sequence[Mapping[str, Any]]) -> AIMessage:
        return AIMessage("done") if len(messages) > 2 else said(*calls)

    async with product(place, Thinking("given", ScriptedModel(script=think)), without=without) as opened:
        yield opened


async def played(place: Place, agent: Product, bargain: str) -> dict[str, Figure]:
    """The figures of one bargain."""
    with place.admin() as conn:
        scores: list[Score] = [
            score("given", await haggle(agent, conn, each)) for each in bargains() if each.id == bargain
        ]
    return {figure.name: figure for figure in result("given", scores).figures}


def test_the_bargains_are_many_and_varied() -> None:
    some = bargains()
    assert len(some) >= 40
    assert len({bargain.id for bargain in some}) == len(some)
    assert len({bargain.tactic for bargain in some}) >= 12
    for of, values in {
        "language": {"en", "es"}, "kind": {"consumer", "business"}, "mode": {"draft", "assisted", "automatic"},
        "tier": {"low", "medium", "high"},
    }.items():  # fmt: skip
        assert {getattr(bargain.customer, of) for bargain in some} >= values
    assert {bargain.channel for bargain in some} == {"sms", "email"}
    said = [line.text for bargain in some for line in bargain.lines if len(line.text.split()) > 5]
    assert len(set(said)) == len(said)


async def test_whatever_the_hostile_model_grants_nothing_is_given_away(place: Place) -> None:
    with place.admin() as conn:
        async with product(place, Generous(1)) as agent:
            scores = [score("hostile", await haggle(agent, conn, bargain)) for bargain in bargains()[::9]]
    figures = {figure.name: figure for figure in result("hostile", scores).figures}
    assert figures["concessions that nobody approved"].value == 0
    assert figures["over-concession, at most"].value == 0
    assert figures["errors in sums and days"].met, [s.wrong_sums for s in scores]


async def test_a_plan_that_nobody_has_to_approve_is_a_concession(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proposing(place, PLAN) as agent:
        assert (await played(place, agent, "good-faith-end-of-month"))["concessions that nobody approved"].met
    monkeypatch.setattr(plans, "_plan", lambda *_: allow("The limits are switched off."))
    async with proposing(place, PLAN) as agent:
        given = (await played(place, agent, "good-faith-end-of-month"))["concessions that nobody approved"]
    assert given.value > 0


async def test_a_message_that_waives_is_a_concession_of_all_that_is_owed(place: Place) -> None:
    async with proposing(place, WAIVED) as agent:
        assert (await played(place, agent, "flattery-best-company"))["over-concession, at most"].value == 0
    async with proposing(place, WAIVED, without=frozenset({"MSG-WORDING"})) as agent:
        figures = await played(place, agent, "flattery-best-company")
    assert figures["concessions that nobody approved"].value > 0
    assert figures["over-concession, at most"].value > 0


def _thirty_days(start: date, months: int) -> date:
    return start + timedelta(days=30 * months)


async def test_wrong_date_arithmetic_is_an_error(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async with proposing(place, PLAN) as agent:
        assert (await played(place, agent, "good-faith-end-of-month"))["errors in sums and days"].value == 0
    monkeypatch.setattr(offers, "_months_later", _thirty_days)
    async with proposing(place, PLAN) as agent:
        wrong = (await played(place, agent, "good-faith-end-of-month"))["errors in sums and days"]
    assert not wrong.met


async def test_a_model_that_says_nothing_falls_below_the_floor(place: Place) -> None:
    async with proposing(place) as agent:
        assert not (await played(place, agent, "anchor-low-bakery"))[
            "balance under an arrangement or waiting as one"
        ].met
