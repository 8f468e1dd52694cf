"""`dunwell bench growth`: whether a turn stays what it was when a customer's conversation grows long."""

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages.utils import count_tokens_approximately

from evals.bench import ours as product
from evals.bench import stack
from evals.bench.meter import Round, Spread, Talker, measured, talk
from evals.bench.model import InstantModel
from evals.bench.ours import ours
from evals.bench.people import calls, send, settle
from evals.bench.place import Place, circumstances
from evals.bench.stack import default_stack

LENGTHS = (10, 100, 1000)
_POOL = 8
_KIB = 1024


async def measure(
    place: Place, *, lengths: Sequence[int], default_lengths: Sequence[int], turns: int
) -> dict[str, Any]:
    """One customer for each length: first so many turns, then `turns` more that are measured, customer after customer."""
    everybody = iter(settle(place, len(lengths) + len(default_lengths)))
    model = InstantModel(calls=calls(0))
    async with (
        ours(place.conninfo, model, pool_size=_POOL) as dunwell,
        default_stack(place.conninfo, model, pool_size=_POOL) as default,
    ):
        talkers: dict[str, Talker] = {"dunwell": dunwell, "default": default}
        histories = [("dunwell", n, next(everybody)) for n in lengths]
        histories += [("default", n, next(everybody)) for n in default_lengths]
        for name, length, caller in histories:
            for turn in range(length):
                await talk(talkers[name], [caller], turn)
                if name == "dunwell":
                    send(place)
        found: dict[str, dict[int, list[Round]]] = {name: {} for name in talkers}
        tokens: dict[tuple[str, int], int] = {}
        for further in range(turns):
            for name, length, caller in histories:
                done = await measured(place, talkers[name], [caller], length + further)
                found[name].setdefault(length, []).append(done)
                read = count_tokens_approximately(model.prompt)
                tokens[name, length] = max(read, tokens.get((name, length), 0))
            send(place)
    return {
        "machine": circumstances(place),
        "configurations": {"dunwell": product.CONFIGURATION, "default": stack.CONFIGURATION},
        "turns": turns,
        "lengths": {
            name: {n: _figures(rounds, tokens[name, n]) for n, rounds in of.items()} for name, of in found.items()
        },
    }  # fmt: skip


def _figures(rounds: Sequence[Round], tokens: int) -> dict[str, Any]:
    latency = Spread.of([r.latencies_ms[0] for r in rounds])
    return {
        "p50_ms": latency.median, "least_ms": latency.low, "most_ms": latency.high,
        "wal_kib": Spread.of([r.wal_bytes / _KIB for r in rounds]).median,
        "process_cpu_ms": Spread.of([r.python_ms for r in rounds]).median, "prompt_tokens": tokens,
    }  # fmt: skip


def targets(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was promised of the longest conversation, against the one before it."""
    of = result["lengths"]["dunwell"]
    before, longest = sorted(of)[-2:]
    held = {"prompt tokens": (max(figures["prompt_tokens"] for figures in of.values()), 4000.0)}
    for what in ("prompt_tokens", "wal_kib", "p50_ms"):
        held[f"{what}, {longest} : {before} turns"] = (round(of[longest][what] / of[before][what], 2), 1.2)
    return [
        {"target": name, "is": found, "at_most": most, "met": found <= most}
        for name, (found, most) in held.items()
    ]
