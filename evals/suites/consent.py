"""The suite `consent`: opt-outs and every other signal in labelled messages, English and Spanish, with hard negatives."""

import asyncio
from dataclasses import dataclass

from evals.consent.measure import (
    KEYWORDS,
    MOST_FALSE_ALARMS,
    PLAIN,
    RECALL,
    Column,
    detection_digest,
    first_round,
    load,
    measure,
)
from evals.consent.page import page
from evals.suites.ground import Ground
from evals.suites.result import Figure, SuiteResult
from evals.suites.scenarios import shown
from evals.suites.workers import Worker

_OURS, _FRESH = "ours", "fresh"
_FILES = {_OURS: "messages.jsonl", _FRESH: "fresh.jsonl"}
_FAST_SHARE = 4  # one message in so many


@dataclass(frozen=True, slots=True)
class Measured:
    """One file of messages; a job for a process."""

    name: str
    text: str

    async def __call__(self, _: Worker) -> Column:
        """Its figures."""
        return await asyncio.to_thread(measure, self.name, self.text)


def run(ground: Ground) -> SuiteResult:
    """Both files: ours has targets, the fresh one is published as it is."""
    texts = {name: text for name, file in _FILES.items() if (text := load(file)) is not None}
    if ground.terms.fast:
        texts = {_OURS: "\n".join(texts[_OURS].splitlines()[::_FAST_SHARE])}
    columns = {column.name: column for column in ground.crew.share([Measured(*one) for one in texts.items()])}
    ordered = [columns[name] for name in texts]
    return SuiteResult(
        suite="consent",
        agent="signals",  # code finds them, whichever model thinks
        figures=[figure for column in ordered for figure in _figures(column)],
        failing=columns[_OURS].below_target(),
        details={"columns": [column.as_json() for column in ordered]},
        page="" if ground.terms.fast else page(ordered, first_round(), detection_digest()),
    )


def _figures(column: Column) -> list[Figure]:
    ours = column.name == _OURS
    figures = []
    for signal in (KEYWORDS, PLAIN):
        share, least = column.recall[signal], RECALL[signal]
        target = f">= {least:.0%}" if ours else ""
        met = not ours or share.value >= least
        figures.append(
            Figure(f"{column.name}: {signal} found", share.value, shown(share), target, met, share.interval)
        )
    alarms = column.false_alarms["opt_out"]
    target = f"<= {MOST_FALSE_ALARMS:.0%}" if ours else ""
    met = not ours or alarms.value <= MOST_FALSE_ALARMS
    figures.append(
        Figure(
            f"{column.name}: opt-out false alarms", alarms.value, shown(alarms), target, met, alarms.interval
        )
    )
    others = [miss for miss in column.below_target() if not miss.startswith(("opt_out", KEYWORDS, PLAIN))]
    if ours:
        figures.append(
            Figure("ours: other signals below their target", len(others), str(len(others)), "0", not others)
        )
    for name, shares in column.baselines.items():
        for what, share in shares.items():
            figures.append(
                Figure(f"{column.name}, {name}: {what}", share.value, shown(share), interval=share.interval)
            )
    return figures
