"""The suite `crash`: the chaos harness. Everything is killed at every moment; nothing may be lost, doubled or unauthorised."""

import time
from collections import Counter

from evals.chaos import points
from evals.chaos.campaign import RECOVERY_LIMIT, Campaign, wage
from evals.chaos.checks import KINDS
from evals.chaos.run import Terms
from evals.suites.ground import Ground
from evals.suites.result import Figure, SuiteResult

_FULL, _NORMAL = 20, 1  # runs of each failpoint
_SIDE_BY_SIDE = 5


def run(ground: Ground) -> SuiteResult:
    """Every failpoint, on servers and workers of its own."""
    names = points.names(webhooks=False)
    runs = _FULL if ground.terms.full else _NORMAL
    seed = ground.terms.seed
    began = time.monotonic()
    terms = [Terms(seed + n, point) for n in range(runs) for point in names]
    results, _ = wage(
        terms, side_by_side=_SIDE_BY_SIDE, restart_database=False, keep=None, progress=lambda _: None
    )
    campaign = Campaign(results, names)
    totals = campaign.as_json()
    counts = Counter(violation["kind"] for violation in totals["violations"])
    reached = len(names) - len(totals["never_reached"])
    recovery = totals["recovery_p95_s"] or 0.0
    return SuiteResult(
        suite="crash",
        agent="scripted",
        figures=[
            *(Figure(kind, counts[kind], str(counts[kind]), "0", not counts[kind]) for kind in KINDS),
            Figure("failpoints reached", reached, f"{reached} of {len(names)}", "all", reached == len(names)),
            Figure(
                "recovery, 95th percentile",
                recovery,
                f"{recovery:.1f} s",
                "<= 5 s",
                recovery <= RECOVERY_LIMIT,
            ),
            Figure(
                "runs",
                len(results),
                f"{len(results)} with {totals['kills']} kills in {time.monotonic() - began:.0f} s",
            ),
        ],
        violations=[
            f"{v['kind']}: {v['rule']}, {v['subject']} ({v['why']}), seed {v['seed']} at {v['failpoint']}"
            for v in totals["violations"]
        ],
        failing=list(totals["never_reached"]),
        details=totals,
    )
