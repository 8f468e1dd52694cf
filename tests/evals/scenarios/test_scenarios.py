"""`pytest -m evals`: every scenario is a test, played on the product by `--eval-model`."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from evals.bench.place import Place
from evals.scenarios.atoms import judge
from evals.scenarios.events import Play
from evals.scenarios.load import FRESH, OURS, load, ours
from evals.scenarios.minds import Mind
from evals.scenarios.play import product
from evals.scenarios.rules import broken
from evals.scenarios.scenario import Scenario
from evals.suites.agents import mind
from server.embedded import Server

pytestmark = pytest.mark.evals


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a scenario."""
    dataset = metafunc.config.getoption("--eval-dataset")
    asked_for = "evals" in metafunc.config.option.markexpr
    scenarios = load(dataset) if dataset else [*ours(OURS), *ours(FRESH)] if asked_for else []
    metafunc.parametrize("scenario", scenarios, ids=lambda scenario: f"{scenario.category}/{scenario.id}")


@pytest.fixture(scope="module")
def play(
    server: Server, template: str, request: pytest.FixtureRequest
) -> Iterator[Callable[[Scenario], Play]]:
    """Plays a scenario on a product that stays warm, on a database of this module's own."""
    place = Place(server, f"evals_{uuid4().hex}")
    thinking = mind(request.config.getoption("--eval-model"), 1, None)
    with psycopg.connect(server.admin_conninfo(), autocommit=True) as admin:
        name = sql.Identifier(place.database)
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER dunwell").format(name, sql.Identifier(template))
        )
        with asyncio.Runner() as runner:
            opened = _open(place, thinking)
            playing = runner.run(anext(opened))
            yield lambda scenario: runner.run(playing(scenario))
            runner.run(opened.aclose())
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


async def _open(
    place: Place, thinking: Mind
) -> AsyncGenerator[Callable[[Scenario], Coroutine[None, None, Play]], None]:
    async with product(place, thinking) as playing:
        yield playing.play


def test_a_scenario_ends_as_it_must(scenario: Scenario, play: Callable[[Scenario], Play]) -> None:
    played = play(scenario)
    verdict = judge(scenario, played)
    assert broken(scenario, played) == []
    assert (verdict.missed, verdict.fired, verdict.failed) == ([], [], None)
