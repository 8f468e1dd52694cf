"""What this process measures while it decides, for Prometheus. Labels are names of ours, never a customer's anything."""

from collections.abc import Iterable

from prometheus_client import Counter, Histogram

from agent.policy.verdict import Refuse, Ruling
from tools.surface import TOOLS

_TOOLS = frozenset(tool.name for tool in TOOLS)  # a model may call its tool anything, and a label is for ever

EPISODE_SECONDS = Histogram(
    "dunwell_episode_seconds",
    "From a trigger to its commit, by what opened the episode.",
    ["trigger"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
MODEL_SECONDS = Histogram(
    "dunwell_model_seconds",
    "One model call with its client's retries, by model.",
    ["model"],
    buckets=(0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
MODEL_TOKENS = Counter(
    "dunwell_model_tokens", "Tokens of models, asked and answered.", ["model", "direction"]
)
MODEL_TROUBLE = Counter(
    "dunwell_model_trouble",
    "Turns in which a model was in trouble, by model and what it was.",
    ["model", "why"],
)
DECISIONS = Counter(
    "dunwell_decisions", "Proposals that were ruled on, by tool and verdict.", ["tool", "verdict"]
)
REFUSALS = Counter("dunwell_refusals", "Proposals that policy refused, by the rule that did.", ["rule"])


def count_rulings(rulings: Iterable[tuple[str, Ruling]]) -> None:
    """Count what a commit decided: pairs of a tool and the ruling on its call."""
    for tool, ruling in rulings:
        DECISIONS.labels(tool if tool in _TOOLS else "unknown", type(ruling.verdict).__name__.lower()).inc()
        if isinstance(ruling.verdict, Refuse):
            for finding in ruling.findings:
                if isinstance(finding.verdict, Refuse):
                    REFUSALS.labels(finding.rule).inc()
