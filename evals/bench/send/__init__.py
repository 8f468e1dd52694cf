"""`dunwell bench send`: messages a second through the real sender, and what a claim costs with a long queue behind it."""

from dataclasses import asdict
from typing import Any

from evals.bench.meter import Spread
from evals.bench.place import circumstances, own_place
from evals.bench.send.claims import measure_claims
from evals.bench.send.rate import LOST, WARM_UP, measure_rate
from server.cli.output import run

LEAST_RATE = 500.0  # messages a second of one sender, against an instant provider
LEAST_SHARE = 0.8  # of that, with timeouts
MOST_GROWTH = 2.0  # of a claim's cost, with the long queue instead of the short one


def measure(*, messages: int, rounds: int, long: int, as_json: bool) -> dict[str, Any]:
    """Both parts, each on a database of its own; rates are the median, lowest and highest of the rounds."""
    with own_place() as place:
        found = run(measure_rate(place, messages=messages, rounds=rounds), as_json=as_json)
        machine = circumstances(place)
    with own_place() as place:
        claims = run(measure_claims(place, long=long), as_json=as_json)
    return summary(found) | {
        "messages": messages, "rounds": rounds, "warm_up": WARM_UP, "lost_share": LOST, "claims": claims, "machine": machine,
    }  # fmt: skip


def summary(found: dict[str, dict[str, list[dict[str, Any]]]]) -> dict[str, Any]:
    """What the rounds of each sender come to: spreads of what is timed, sums of what is counted."""
    timed, counted = (
        ("per_second", "python_ms", "postgres_ms"),
        ("messages", "calls", "sent", "unknown", "found", "left", "twice"),
    )
    senders: dict[str, Any] = {
        sender: {
            case: {what: asdict(Spread.of([one[what] for one in rounds])) for what in timed}
            | {what: sum(one[what] for one in rounds) for what in counted}
            for case, rounds in of.items()
        }
        for sender, of in found.items()
    }
    shares = [
        slow["per_second"] / fast["per_second"]
        for fast, slow in zip(*(found["dunwell"][case] for case in ("instant", "timeouts")), strict=True)
    ]
    return {"senders": senders, "share_with_timeouts": asdict(Spread.of(shares))}


def targets(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What was promised, and whether it holds: of rates and shares the medians."""
    ours, claims = result["senders"]["dunwell"], result["claims"]
    least = {
        "messages a second, instant provider": (ours["instant"]["per_second"]["median"], LEAST_RATE),
        f"of that with {LOST:.0%} timeouts, same round": (
            result["share_with_timeouts"]["median"],
            LEAST_SHARE,
        ),
    }
    most: dict[str, tuple[float, float]] = {
        f"a claim with {claims['long']:,} queued rows, of one with {claims['short']:,}": (
            claims["ratio"],
            MOST_GROWTH,
        ),
        "messages that left twice": (sum(of["twice"] for of in ours.values()), 0),
        "messages that were not settled": (sum(of["left"] for of in ours.values()), 0),
    }
    return [
        *({"target": n, "is": found, "at_least": bound, "met": found >= bound} for n, (found, bound) in least.items()),
        *({"target": n, "is": found, "at_most": bound, "met": found <= bound} for n, (found, bound) in most.items()),
    ]  # fmt: skip
