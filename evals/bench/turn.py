"""`dunwell bench turn`: what a full two-tool turn costs, beside the default LangGraph stack and beside the floor."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from evals.bench import floor as floors
from evals.bench import ours as product
from evals.bench import stack
from evals.bench.floor import floor
from evals.bench.meter import Round, Spread, Talker, checkpoint, measured, statements_counted, talk
from evals.bench.model import InstantModel
from evals.bench.ours import ours
from evals.bench.people import Caller, calls, send, settle
from evals.bench.place import Place, circumstances
from evals.bench.stack import default_stack

CALLERS = (1, 8, 16)
POOL = 8  # connections, of every configuration
_WARM = 3  # turns of every customer before the first that is measured: from then on memory is searched
_COUNTED = 8  # turns whose statements are counted
_KIB = 1024
Rounds = dict[int, dict[str, list[Round]]]


async def measure(
    place: Place, *, customers: int, rounds: int, at_once: Sequence[int] = CALLERS
) -> dict[str, Any]:
    """Each configuration talks to as many customers of its own: one turn of each customer a round, in turns."""
    people = settle(place, 3 * customers + 1)
    names = ("dunwell", "default", "floor")
    callers = {name: people[n * customers : (n + 1) * customers] for n, name in enumerate(names)}
    model = InstantModel(calls=calls(0))
    async with (
        ours(place.conninfo, model, pool_size=POOL) as dunwell,
        default_stack(place.conninfo, model, pool_size=POOL) as default,
        floor(place.conninfo, model, pool_size=POOL, caller=people[-1]) as least,
    ):
        talkers: dict[str, Talker] = {"dunwell": dunwell, "default": default, "floor": least}
        for turn in range(_WARM):
            for name, talker in talkers.items():
                await talk(talker, callers[name], turn)
            send(place)
        turn, found = _WARM, Rounds()
        for several in at_once:
            found[several] = {name: [] for name in names}
            for number in range(rounds):
                for name in names if number % 2 else reversed(names):
                    done = await measured(place, talkers[name], callers[name], turn, at_once=several)
                    found[several][name].append(done)
                send(place)
                turn += 1
        after, counted = {}, {}
        for name, talker in talkers.items():
            checkpoint(place)
            after[name] = (await measured(place, talker, callers[name], turn)).wal_bytes
            counted[name] = await _count(place, talker, callers[name][:_COUNTED], turn + 1)
    return {
        "machine": circumstances(place),
        "configurations": {"dunwell": product.CONFIGURATION, "default": stack.CONFIGURATION, "floor": floors.CONFIGURATION},
        "pool": POOL, "customers": customers, "rounds": rounds, "warm_up_turns": _WARM,
        "callers": {several: {name: figures(done) for name, done in of.items()} for several, of in found.items()},
        "ratios": {several: _ratios(of) for several, of in found.items()},
        "counts": counted,
        "wal_kib_after_checkpoint": {name: round(wal / _KIB, 1) for name, wal in after.items()},
    }  # fmt: skip


async def _count(place: Place, talker: Talker, callers: Sequence[Caller], turn: int) -> dict[str, float]:
    with statements_counted(place) as counted:
        await talk(talker, callers, turn)
    return {"statements": counted.total / len(callers), "commits": len(counted.transactions) / len(callers)}


def figures(rounds: Sequence[Round]) -> dict[str, Any]:
    """Median, lowest and highest of the rounds."""
    of = {
        "cpu_ms": [r.cpu_ms for r in rounds],
        "process_cpu_ms": [r.python_ms for r in rounds],
        "postgres_cpu_ms": [r.postgres_ms for r in rounds],
        "turns_per_second": [r.per_second for r in rounds],
        "p50_ms": [r.percentile(50) for r in rounds],
        "p95_ms": [r.percentile(95) for r in rounds],
        "wal_kib": [r.wal_bytes / _KIB for r in rounds],
    }
    return {name: asdict(Spread.of(values)) for name, values in of.items()}


def _ratios(of: Mapping[str, Sequence[Round]]) -> dict[str, Any]:
    """Ours to theirs in the same round, so that a busy minute hits both."""
    return {
        other: {
            "cpu": asdict(
                Spread.of([a.cpu_ms / b.cpu_ms for a, b in zip(of["dunwell"], of[other], strict=True)])
            ),
            "process_cpu": asdict(
                Spread.of([a.python_ms / b.python_ms for a, b in zip(of["dunwell"], of[other], strict=True)])
            ),
        }
        for other in ("default", "floor")
    }


def targets(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was promised, and whether it holds at every number of callers."""
    ratios, callers = result["ratios"].values(), result["callers"].values()
    held = {
        "CPU, ours to the default stack": (max(r["default"]["cpu"]["median"] for r in ratios), 0.4),
        "CPU, ours to the floor": (max(r["floor"]["cpu"]["median"] for r in ratios), 3.0),
        "SQL statements a turn": (result["counts"]["dunwell"]["statements"], 40),
        "WAL a turn, KiB": (max(c["dunwell"]["wal_kib"]["median"] for c in callers), 16),
    }
    return [
        {"target": name, "is": found, "at_most": most, "met": found <= most}
        for name, (found, most) in held.items()
    ]
