"""The figures as a page that people read: two columns, the baselines beside them, every failing id."""

from collections.abc import Mapping, Sequence

from evals.consent.measure import KEYWORDS, MOST_FALSE_ALARMS, PLAIN, RECALL, SIGNALS, Column, Round, Share


def page(columns: Sequence[Column], first: Round, detection: str) -> str:
    """The whole page in Markdown."""
    heads = " | ".join(f"{column.name} (n = {column.n})" for column in columns)
    rule = "| --- |" + " --- |" * (len(columns) + 1)
    false_alarms = [*(column.false_alarms for column in columns), first.false_alarms]
    rounds = f"{heads} | round 1 (n = {first.n}, {first.published_on})"
    return "\n".join(
        [
            "# Signals in customers' words",
            "",
            "Written by `dunwell eval consent --page infra/measured/consent.md`. Share, hits / n, and in brackets the Wilson 95 %",
            "interval. The lexicon was tuned and the classifier trained on `ours`: it says nothing of words that nobody has read.",
            "Both also learned from the messages of further authors (`lessons.jsonl`), which are not counted here.",
            "`fresh` is by authors who had seen the policy but no rule and no lexicon; it is run after the tuning, and nothing is",
            "changed for it; how often it was run stands in infra/decisions/0007-signals.md. `round 1` is what an earlier fresh set gave when it was run, before it was learned from.",
            f"A false alarm is a signal that was raised on a message without it; at most {MOST_FALSE_ALARMS:.0%} are allowed.",
            "The labels are an engineer's reading of the policy, not legal advice.",
            "",
            "## Recall",
            f"| signal | target | {rounds} |",
            f"{rule} --- |",
            *_recall([*(column.recall for column in columns), first.recall]),
            "",
            "## False alarms",
            f"| signal | at most | {rounds} |",
            f"{rule} --- |",
            *(
                _row(name, f"{MOST_FALSE_ALARMS:.0%}", [alarms[name] for alarms in false_alarms])
                for name in SIGNALS
            ),
            _row("any signal, on messages without one", "-", [c.alarms_on_negatives for c in columns])
            + " - |",
            "",
            "## Opt-outs by keyword filters",
            f"| filter | measure | {heads} |",
            rule,
            *_baselines(columns),
            "",
            "## Failing messages",
            *_failing(columns),
            "",
            "## What was measured",
            f"- lexicon and classifier: sha256 `{detection}`",
            *(f"- {column.name}: sha256 `{column.digest}`" for column in columns),
            "",
        ]
    )


def _row(name: str, target: str, shares: Sequence[Share]) -> str:
    return f"| {name} | {target} | {' | '.join(cell(share) for share in shares)} |"


def cell(share: Share) -> str:
    """One figure: "98.0 % 49 / 50 [89.5, 99.6]"."""
    if not share.n:
        return "none"
    low, high = share.interval
    return f"{share.value:.1%} {share.hits} / {share.n} [{low:.1%}, {high:.1%}]"


def _recall(recall: Sequence[Mapping[str, Share]]) -> list[str]:
    rows = (KEYWORDS, PLAIN, *(signal for signal in SIGNALS if signal != "opt_out"))
    return [
        _row(name, f"{RECALL[name]:.0%}" if name in RECALL else "-", [column[name] for column in recall])
        for name in rows
    ]


def _baselines(columns: Sequence[Column]) -> list[str]:
    first = columns[0].baselines
    return [
        _row(f"{name} | {what}", "", [column.baselines[name][what] for column in columns]).replace(
            "|  |", "|", 1
        )
        for name, measures in first.items()
        for what in measures
    ]


def _failing(columns: Sequence[Column]) -> list[str]:
    lines = []
    for column in columns:
        for name in (KEYWORDS, PLAIN, *(signal for signal in SIGNALS if signal != "opt_out")):
            lines += _ids(f"{column.name}, missed {name}", column.recall[name])
        for name in SIGNALS:
            lines += _ids(f"{column.name}, false alarm {name}", column.false_alarms[name])
    return lines or ["none"]


def _ids(what: str, share: Share) -> list[str]:
    return [f"- {what}: {', '.join(share.failing)}"] if share.failing else []
