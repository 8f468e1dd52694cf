"""The page of `dunwell bench send`."""

from collections.abc import Mapping
from typing import Any

from evals.bench.page import machine, spread, table

_TIMED = ("per_second", "python_ms", "postgres_ms")
_COUNTED = ("messages", "calls", "sent", "unknown", "found", "left", "twice")


def send_page(result: Mapping[str, Any]) -> str:
    """What sending costs, beside the usual sender, and what a long queue does to a claim."""
    cases = {"instant": "instant", "timeouts": f"{result['lost_share']:.0%} timeouts"}
    every = [
        (sender, said, of[case]) for sender, of in result["senders"].items() for case, said in cases.items()
    ]
    claims = result["claims"]
    promised = [
        [t["target"], t["is"], f"at least {t['at_least']}" if "at_least" in t else f"at most {t['at_most']}", "yes" if t["met"] else "**no**"]
        for t in result["targets"]
    ]  # fmt: skip
    return "\n".join([
        "# Sending", "",
        f"Written by `{result['command']}`.",
        "One sender in one process empties a queue of first reminders, one for each customer, to a provider that takes a message",
        "in no time; with timeouts it takes so many and does not answer for half a second. `dunwell` is the product's sender: it",
        "claims under the customer's lock, reads the account again, drafts the text again, rules on it, calls, settles and writes",
        "the customer's log. `naive` is the usual loop: one row under `FOR UPDATE SKIP LOCKED`, the call, the outcome, one",
        "transaction for all three; it judges nothing, logs nothing and holds its transaction open while the provider thinks.",
        f"{result['messages']} messages a round after {result['warm_up']} to warm up, {result['rounds']} rounds, interleaved: median (lowest - highest).", "",
        machine(result["machine"]), "",
        "## Rate",
        *table(["sender", "provider", "messages/s", "process CPU ms", "Postgres CPU ms"],
               [[sender, case, *(spread(of[what]) for what in _TIMED)] for sender, case, of in every]), "",
        "## Counts",
        "All rounds together. Unknown: no answer in time; found: the provider was asked afterwards and has it. Left: neither.",
        *table(["sender", "provider", "messages", "calls", "sent in the end", "unknown", "found", "left", "called twice"],
               [[sender, case, *(of[what] for what in _COUNTED)] for sender, case, of in every]), "",
        "## A claim",
        f"{claims['batch']} due rows found, locked with their customers and moved, without judging; median of {claims['claims']} claims.",
        *table(["queued rows", "ms a claim"], [[f"{claims[which]:,}", claims[f"{which}_ms"]] for which in ("short", "long")]), "",
        "## Targets", *table(["target", "is", "wanted", "met"], promised), "",
    ])  # fmt: skip
