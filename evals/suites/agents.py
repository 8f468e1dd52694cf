"""Agents by name, opened in a process of the crew on its own database, and kept warm."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from agent.models.factory import build_model
from evals.scenarios.baselines import BASELINES
from evals.scenarios.cassette import Replay, recorded
from evals.scenarios.minds import Mind, Obedient, Oracle, Thinking, nobody, offline
from evals.scenarios.play import Agent, product
from evals.suites.ground import MODELS, Terms
from evals.suites.workers import Worker, alone
from server import settings as configuration
from server.runtime import model_config
from tools.errors import Misconfigured

_BASELINES = {baseline.name: baseline for baseline in BASELINES}
FOREIGN = "langgraph-default"


async def agent(worker: Worker, name: str, *, seed: int = 1, cassettes: Path | None = None) -> Agent:
    """The agent of this name: a model of ours, a baseline, the default stack, or the address of a foreign one.

    Raises Misconfigured for a name that is none of them.
    """
    opened: Agent = await worker.keep(name, lambda: _open(worker, name, seed, cassettes))
    return opened


def _open(worker: Worker, name: str, seed: int, cassettes: Path | None) -> AbstractAsyncContextManager[Agent]:
    if name in _BASELINES:
        return alone(_BASELINES[name])
    if name.startswith(("http://", "https://")):
        from evals.foreign.client import foreign_agent  # noqa: PLC0415 - only where it is asked for

        return alone(foreign_agent(name))
    if name == FOREIGN:
        return _default(worker)
    return product(worker.place, mind(name, seed, cassettes))


@asynccontextmanager
async def _default(worker: Worker) -> AsyncIterator[Agent]:
    from evals.foreign.client import foreign_agent  # noqa: PLC0415 - only where it is asked for
    from evals.foreign.langgraph_default import default_stack  # noqa: PLC0415 - as above

    async with default_stack(worker.place, offline()) as url:
        yield foreign_agent(url, name=FOREIGN)


def assert_playable(terms: Terms) -> None:
    """Raises Misconfigured, in one sentence and before anything is started, where nobody could play."""
    if terms.agent is None:
        mind(terms.model, terms.seed, terms.cassettes)
    elif not terms.agent.startswith(("http://", "https://")):
        raise Misconfigured(f"{terms.agent} is no address of an agent: it begins with http:// or https://.")


def mind(name: str, seed: int, cassettes: Path | None) -> Mind:
    """The mind of this name. Raises Misconfigured."""
    match name:
        case "offline":
            return offline()
        case "oracle":
            return Oracle()
        case "hostile":
            return Obedient(seed)
        case "code-alone":
            return nobody()
        case "openai":
            config = replace(model_config(configuration.load()), kind="openai")
            named, model = f"openai:{config.model}", build_model(config)
            return recorded(named, model, cassettes) if cassettes else Thinking(named, model)
        case "replay":
            if cassettes is None:
                raise Misconfigured("replay needs the folder of recorded answers: --cassettes.")
            return Replay(cassettes)
        case _:
            raise Misconfigured(f"There is no model {name!r}: {', '.join(MODELS)}.")
