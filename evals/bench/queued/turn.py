"""`dunwell bench turn --queue`: a turn from the webhook's storing call to the outbox, through the queue and its workers.

Beside it, in the same rounds, the default LangGraph stack, which is called directly: it has no queue.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any

import psutil

from evals.bench import stack
from evals.bench.meter import Round, Spread, measured, talk
from evals.bench.model import InstantModel
from evals.bench.ours import CONFIGURATION
from evals.bench.people import Caller, calls, send, settle
from evals.bench.place import Place, circumstances
from evals.bench.queued.process import POOL, Passage, Plan
from evals.bench.queued.talker import Queued, queued
from evals.bench.stack import default_stack
from evals.bench.turn import figures
from server.jobs.run import Shift

POINTS = {1: (1,), 16: (1, 2, 4)}  # callers, and the numbers of workers that are measured with so many
CPU, P95 = 0.5, 0.25  # of the default stack's: what was promised
_BUSY = 16  # callers that what was promised is about
_WARM = 3  # turns of every customer before the first that is measured: from then on memory is searched
_STAGES = ("began", "stored", "picked_up", "deliberated", "committed", "handled", "finished")


@dataclass(slots=True)
class _Point:
    """What so many workers did for so many callers."""

    rounds: list[Round] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    storing_ms: list[float] = field(default_factory=list)  # CPU a turn of the process that stores
    worker_busy: list[float] = field(default_factory=list)  # CPU seconds of a worker in a second
    machine_busy: list[float] = field(
        default_factory=list
    )  # of all processes and Postgres, of what the cores could give


async def measure(
    place: Place,
    *,
    customers: int,
    rounds: int,
    points: Mapping[int, Sequence[int]] = POINTS,
    concurrency: int | None = None,
) -> dict[str, Any]:
    """Each number of workers, and the default stack, talk to as many customers of their own: a turn of each a round."""
    most = sorted({workers for of in points.values() for workers in of})
    people = settle(place, (len(most) + 1) * customers)
    groups = {workers: people[n * customers : (n + 1) * customers] for n, workers in enumerate(most)}
    theirs = people[len(most) * customers :]
    model, at_once = InstantModel(calls=calls(0)), concurrency or Shift().concurrency
    found = {callers: {workers: _Point() for workers in of} for callers, of in points.items()}
    default: dict[int, list[Round]] = {callers: [] for callers in points}
    async with (
        queued(Plan(place.conninfo, at_once), processes=max(most), pool_size=POOL) as ours,
        default_stack(place.conninfo, model, pool_size=POOL) as other,
    ):
        for turn in range(_WARM):
            for ours.at_work, callers in groups.items():
                async with ours.working(turn):
                    await talk(ours, callers, turn, at_once=max(points))
            await talk(other, theirs, turn)
            send(place)
        turn = _WARM
        for several, of in points.items():
            for number in range(rounds):
                order = [None, *of] if number % 2 else [*reversed(of), None]
                for workers in order:
                    if workers is None:
                        default[several].append(await measured(place, other, theirs, turn, at_once=several))
                        continue
                    ours.at_work = workers
                    await _round(place, ours, groups[workers], turn, several, found[several][workers])
                send(place)
                turn += 1
    return {
        "machine": circumstances(place),
        "configurations": {
            "queued": CONFIGURATION | {"worker": f"server.jobs.run.take_turns in a process of its own, {at_once} turns at once, no chores"},
            "default": stack.CONFIGURATION,
        },
        "pool": POOL, "customers": customers, "rounds": rounds, "warm_up_turns": _WARM,
        "callers": {
            several: {
                "default": figures(default[several]),
                "queued": {workers: _point(point, default[several]) for workers, point in of.items()},
            }
            for several, of in found.items()
        },
    }  # fmt: skip


async def _round(
    place: Place, ours: Queued, callers: Sequence[Caller], turn: int, at_once: int, into: _Point
) -> None:
    staff = ours.staff[: ours.at_work]
    async with ours.working(turn):
        ours.passages.clear()
        spent = sum(one.cpu() for one in staff)
        done = await measured(place, ours, callers, turn, at_once=at_once)
        spent = sum(one.cpu() for one in staff) - spent
    whole = replace(
        done,
        python_ms=done.python_ms + spent / done.turns * 1e3,
        latencies_ms=[(p.at["committed"] - p.at["began"]) * 1e3 for p in ours.passages],
    )
    into.rounds.append(whole)
    into.passages += ours.passages
    into.storing_ms.append(done.python_ms)
    into.worker_busy.append(spent / done.seconds / len(staff))
    cores = psutil.cpu_count() or 1
    into.machine_busy.append(whole.cpu_ms / 1e3 * done.per_second / cores)


def _point(point: _Point, default: Sequence[Round]) -> dict[str, Any]:
    pairs = list(
        zip(point.rounds, default, strict=True)
    )  # in the same round, so that a busy minute hits both
    return figures(point.rounds) | {
        "ratios": {
            "cpu": asdict(Spread.of([a.cpu_ms / b.cpu_ms for a, b in pairs])),
            "p95": asdict(Spread.of([a.percentile(95) / b.percentile(95) for a, b in pairs])),
        },
        "storing_cpu_ms": asdict(Spread.of(point.storing_ms)),
        "worker_busy": asdict(Spread.of(point.worker_busy)),
        "machine_busy": asdict(Spread.of(point.machine_busy)),
        "stages_ms": {
            f"{begun} - {ended}": round(
                statistics.median((p.at[ended] - p.at[begun]) * 1e3 for p in point.passages), 2
            )
            for begun, ended in pairwise(_STAGES)
        },
    }


def targets(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was promised of a turn with many callers, for each number of workers."""
    busy = result["callers"][_BUSY]["queued"]
    return [
        {"target": f"{what}, workers to the default stack, {workers} at work", "is": is_, "at_most": most, "met": is_ <= most}
        for workers, of in busy.items()
        for what, is_, most in (
            ("CPU", of["ratios"]["cpu"]["median"], CPU), (f"p95 at {_BUSY} callers", of["ratios"]["p95"]["median"], P95),
        )
    ]  # fmt: skip
