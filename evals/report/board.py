"""Scores by agent, split and category, for whoever draws them."""

from collections import defaultdict
from collections.abc import Sequence

from evals.report.figures import ORACLE, YARDSTICKS, Score, agents, judged, score, scored, splits
from evals.suites.result import Run, Trial


class Board:
    """The scores of a run: who played, in which splits and categories, and what came of it."""

    def __init__(self, run: Run) -> None:
        trials = scored(run)
        self._groups: dict[tuple[str | None, ...], list[Trial]] = defaultdict(list)
        for t in trials:
            for split in (t.split, None):
                for category in (t.category, None):
                    self._groups[t.agent, split, category].append(t)
        self._scores: dict[tuple[str | None, ...], Score | None] = {}
        self.agents: Sequence[str] = agents(t.agent for t in trials)
        self.splits: Sequence[str] = splits(trials)
        self.players: Sequence[str] = [name for name in self.agents if judged(name) and name != ORACLE]
        self.categories: Sequence[str] = sorted({t.category for t in trials}, key=self._weakest_first)

    def of(self, agent: str, split: str | None = None, category: str | None = None) -> Score | None:
        """The score of an agent in a split, a category, or all of them; None where it played none."""
        key = (agent, split, category)
        if key not in self._scores:
            self._scores[key] = score(self._groups.get(key, ()))
        return self._scores[key]

    def _weakest_first(self, category: str) -> tuple[float, str]:
        ours = self.of(self.players[0], None, category) if self.players else None
        return ours.last.value if ours else 1.0, category

    def best_yardstick(
        self, split: str | None = None, category: str | None = None
    ) -> tuple[str, float] | None:
        """The yardstick that passes most as written, and its share: what a score has to be held against."""
        rivals = {
            name: rival.as_written.value for name in YARDSTICKS if (rival := self.of(name, split, category))
        }
        return max(rivals.items(), key=lambda each: each[1], default=None)
