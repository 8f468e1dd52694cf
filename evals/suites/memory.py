"""The suite `memory`: what a customer said long ago is in the prompt when it is needed, and nothing else grows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from agent.deps import Deps
from evals.consent.measure import Share
from evals.memory import changed, planted, private
from evals.memory.changed import Told
from evals.memory.planted import Fact, Recalled
from evals.memory.private import Whose
from evals.scenarios.play import Product
from evals.suites.agents import agent
from evals.suites.ground import Ground
from evals.suites.result import Figure, SuiteResult
from evals.suites.scenarios import shown
from evals.suites.workers import Job, Worker

LEAST = 0.95  # of the planted facts, at each distance
MOST_TOKENS = 3700  # of the first prompt, whatever the length of the history
_BACKS = (10, 100, 1000)
_FAR_BACK = 10_000  # beside them, where there is time
_SEEDS = 5  # histories of each distance, where there is time


@dataclass(frozen=True, slots=True)
class Recall:
    """Facts planted at one distance, and asked for; a job for a process."""

    back: int
    facts: Sequence[Fact]
    remote: bool
    seed: int

    async def __call__(self, worker: Worker) -> "tuple[Recall, Recalled]":
        """Ask for all of them."""
        deps, _ = await _emptied(worker)
        [recalled] = await planted.measure(deps, backs=[self.back], planted=self.facts, seed=self.seed)
        return self, recalled


@dataclass(frozen=True, slots=True)
class Change:
    """Facts that changed, at one distance; a job for a process."""

    back: int
    seed: int

    async def __call__(self, worker: Worker) -> list[Told]:
        """Ask for all of them."""
        deps, product = await _emptied(worker)
        return await changed.measure(deps, product.clock, back=self.back, seed=self.seed)


@dataclass(frozen=True, slots=True)
class Leak:
    """Questions after facts that must not come back; a job for a process."""

    whose: Whose
    facts: Sequence[Fact]
    seed: int

    async def __call__(self, worker: Worker) -> "tuple[Leak, list[str]]":
        """Ask for all of them."""
        deps, _ = await _emptied(worker)
        return self, await private.leaks(deps, self.whose, planted=self.facts, seed=self.seed)


async def _emptied(worker: Worker) -> tuple[Deps, Product]:
    # What the prompt holds is the product's own doing, whichever model would read it.
    product = cast(Product, await agent(worker, "code-alone"))
    product.stage.clear()
    return product.engine.deps, product


def run(ground: Ground) -> SuiteResult:
    """Planted, changed and private facts. With `full` more histories, and one of ten thousand messages."""
    terms = ground.terms
    every, apart = planted.facts(), planted.remote_facts()
    if terms.fast:
        every, apart = every[terms.seed % 5 :: 5], apart[terms.seed % 5 :: 5]
    backs = (*_BACKS, _FAR_BACK) if terms.full else _BACKS
    seeds = range(terms.seed, terms.seed + (_SEEDS if terms.full else 1))
    jobs: list[Job] = [
        *(Recall(back, every, remote=False, seed=seed) for seed in seeds for back in reversed(backs)),
        *(Recall(back, apart, remote=True, seed=seed) for seed in seeds for back in reversed(backs)),
        *(Change(back, seed) for seed in seeds for back in (_BACKS[1:2] if terms.fast else _BACKS)),
        *(Leak(whose, every if terms.full else every[::2], terms.seed) for whose in ("another customer's", "erased")),
    ]  # fmt: skip
    recalled: list[tuple[Recall, Recalled]] = []
    told: list[Told] = []
    leaked: list[tuple[Leak, list[str]]] = []
    for answer in ground.crew.share(jobs):
        if isinstance(answer, list):
            told += answer
        elif isinstance(answer[0], Recall):
            recalled.append(answer)
        else:
            leaked.append(answer)
    recalled.sort(key=lambda one: (one[0].remote, one[0].back, one[0].seed))
    return result(
        [(job.remote, found) for job, found in recalled],
        sorted(told, key=lambda one: (one.back, one.asked)),
        {job.whose: Share(len(job.facts) - len(found), len(job.facts), found) for job, found in leaked},
    )


def result(
    recalled: Sequence[tuple[bool, Recalled]], told: Sequence[Told], private: dict[Whose, Share]
) -> SuiteResult:
    """What the answers come to. `recalled` with whether the questions share no word with the fact; `private`: kept so."""
    figures, failing = [], []
    for back in sorted({found.back for _, found in recalled}):
        near = [found for remote, found in recalled if found.back == back and not remote]
        far = [found for remote, found in recalled if found.back == back and remote]
        share = _share((found.found, found.asked, found.missed) for found in near)
        figures.append(_figure(f"facts said {back:,} messages ago: in the prompt", share, LEAST))
        failing += [f"{back:,} messages back: {asked}" for asked in share.failing]
        other = _share((found.far_found, found.far_asked, ()) for found in near)
        figures.append(_figure(f"of these, asked for in other words, {back:,} messages ago", other))
        if far:
            apart = _share((found.found, found.asked, found.missed) for found in far)
            figures.append(_figure(f"asked for without one word of the fact, {back:,} messages ago", apart))
        most = max(found.tokens_most for found in (*near, *far))
        figures.append(
            Figure(f"tokens of the longest prompt, {back:,} messages back", most, f"{most:,}", f"<= {MOST_TOKENS:,}", most <= MOST_TOKENS)
        )  # fmt: skip
    right = Share(sum(one.wrong is None for one in told), len(told))
    if told:
        figures.append(_figure("facts that changed: the newest is told as the newest", right, 1.0))
    failing += [f"changed {one.back:,} messages ago, {one.asked} ({one.wrong})" for one in told if one.wrong]
    for whose, kept in private.items():
        figures.append(
            Figure(f"{whose} facts in a prompt", kept.n - kept.hits, f"{kept.n - kept.hits} (of {kept.n} questions)", "0", kept.hits == kept.n)
        )  # fmt: skip
    violations = [
        f"{whose} words in the prompt of: {asked}"
        for whose, kept in private.items()
        for asked in kept.failing
    ]
    return SuiteResult("memory", "product", figures, violations=violations, failing=failing)


def _share(parts: Iterable[tuple[int, int, Sequence[str]]]) -> Share:
    given = list(parts)
    missed = [asked for _, _, some in given for asked in some]
    return Share(sum(hits for hits, _, _ in given), sum(n for _, n, _ in given), missed)


def _figure(name: str, share: Share, least: float | None = None) -> Figure:
    target = "" if least is None else f">= {least:.0%}"
    return Figure(
        name, share.value, shown(share), target, least is None or share.value >= least, share.interval
    )
