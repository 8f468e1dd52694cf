"""The report as Markdown: the same content as the page, without its pictures."""

import re
from collections.abc import Iterator, Sequence

from evals.report.board import Board
from evals.report.compare import Changes
from evals.report.figures import Mean, at_most, attacks, between, costs, percent
from evals.report.findings import Fault, breaches, failing, flickers, unseen
from evals.report.headline import headline
from evals.suites.result import Figure, Run
from tools.dunning.segments import visible

_MARKS = re.compile(r"([\\`*_\[\]|~])")
_TAG = re.compile(
    r"<(?=[A-Za-z/!?])"
)  # other signs of less than are harmless, and easier to read as they are


def markdown(run: Run, changes: Changes | None, *, incomparable: str = "") -> str:
    """The whole report. What customers and models wrote stands in code, where nothing of it is read as Markdown."""
    board = Board(run)
    parts = (
        _head(run, changes), _violations(run), _targets(run), _scores(board), _categories(board), _heat(board), _attacks(run),
        _costs(run), _changes(changes, incomparable), _flaky(run), _failing(run), _pages(run), _terms(run),
    )  # fmt: skip
    return "\n".join("\n".join(part) for part in map(list, parts) if part).strip() + "\n"


def words(text: str) -> str:
    """Text of our own in a line or a cell, nothing of it read as Markdown or HTML."""
    return _TAG.sub("&lt;", _MARKS.sub(r"\\\1", visible(text).replace("\n", " ")))


def code(text: str) -> str:
    """Text of anybody in a line or a cell."""
    one_line = " ".join(visible(text).split()).replace("|", "\\|")
    fence = "`" * (max(map(len, re.findall("`+", one_line)), default=0) + 1)
    pad = " " if one_line.startswith("`") or one_line.endswith("`") else ""
    return f"{fence}{pad}{one_line}{pad}{fence}" if one_line else ""


def block(lines: Sequence[str]) -> list[str]:
    """Lines of anybody, as they are."""
    shown = [visible(line) for line in lines]
    fence = "`" * max(3, *(len(run) + 1 for line in shown for run in re.findall("`+", line)), 3)
    return [f"{fence}text", *shown, fence]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(heads)} |", "| --- |" + " ---: |" * (len(heads) - 1), *(f"| {' | '.join(row)} |" for row in rows), "",
    ]  # fmt: skip


def _head(run: Run, changes: Changes | None) -> list[str]:
    top = headline(run, changes)
    return [
        f"# {words(top.verdict)}", "", f"**{words(top.trend)}.** {words(top.because)}", "",
        f"{words(run.model)}, {run.at}, commit {code(run.commit) or 'unknown'}", "",
        *_table(["", "", ""], [[words(tile.label), f"**{words(tile.value)}**", words(tile.note)] for tile in top.tiles]),
    ]  # fmt: skip


def _violations(run: Run) -> Iterator[str]:
    shown, hidden = breaches(run), unseen(run)
    yield from ("## Hard rules broken", "")
    if not shown and not hidden:
        yield from ("None.", "")
    for fault in shown:
        trial = fault.example
        yield from (f"### {words(trial.scenario)} ({words(trial.agent)})", "", *_fault(fault))
    for suite, broken in hidden:
        yield f"- {words(suite)}: {code(broken)}"
    if hidden:
        yield ""


def _fault(fault: Fault) -> list[str]:
    trial = fault.example
    return [
        f"In {words(', '.join(fault.variants))}:", "", *(f"- {kind}: {code(what)}" for kind, what in fault.words),
        *(["", *block(trial.conversation)] if trial.conversation else []),
        "", *([f"Replay: {code(trial.replay)}", ""] if trial.replay else []),
    ]  # fmt: skip


def _targets(run: Run) -> Iterator[str]:
    yield from ("## Suites", "")
    rows = [
        [words(suite.suite), words(f.name), words(f.shown), _interval(f), words(f.target) or "–", _met(f)]
        for suite in run.suites
        for f in sorted(suite.figures, key=lambda f: f.met)
    ]
    yield from _table(["suite", "figure", "value", "95 %", "target", "met"], rows)


def _interval(figure: Figure) -> str:
    return between(figure.interval) if figure.interval else "–"


def _met(figure: Figure) -> str:
    return "–" if not figure.target else "yes" if figure.met else "**no**"


def _scores(board: Board) -> Iterator[str]:
    if not board.agents:
        return
    yield from (
        "## Scores",
        "",
        "pass^k: the chance that k plays of one scenario, drawn from its variants, all pass; the mean over scenarios.",
        "",
    )
    for split in board.splits:
        rows = [(name, one) for name in board.agents if (one := board.of(name, split))]
        most = max(len(one.hats) for _, one in rows)
        heads = [words(split), "as written", *(f"pass^{k}" for k in range(1, most + 1))]
        yield from _table(
            heads, [[words(name), *_cells([one.as_written, *one.hats], most + 1)] for name, one in rows]
        )


def _cells(means: Sequence[Mean], columns: int) -> list[str]:
    cells = [f"{percent(mean.value)} [{between(mean.interval)}]" if mean.n else "–" for mean in means]
    return cells + ["–"] * (columns - len(cells))


def _categories(board: Board) -> Iterator[str]:
    for agent in board.players:
        rows = []
        for category in board.categories:
            cells = []
            for split in board.splits:
                one = board.of(agent, split, category)
                cells += _cells([one.first, one.last] if one else [], 2)
            best = board.best_yardstick(None, category)
            rows.append([words(category), *cells, f"{words(best[0])} {percent(best[1])}" if best else "–"])
        heads = [
            "category",
            *(f"{words(split)} {what}" for split in board.splits for what in ("pass^1", "pass^k")),
        ]
        yield from (f"## By category: {words(agent)}", "", *_table([*heads, "best yardstick"], rows))


def _heat(board: Board) -> Iterator[str]:
    if not board.agents:
        return
    rows = [
        [
            words(category),
            *(
                percent(one.first.value) if (one := board.of(name, None, category)) else "–"
                for name in board.agents
            ),
        ]
        for category in board.categories
    ]
    yield from ("## Category by agent, pass^1", "", *_table(["category", *map(words, board.agents)], rows))


def _attacks(run: Run) -> Iterator[str]:
    for attack in attacks(run):
        hits, n = attack.success["hits"], attack.success["n"]
        bound = "" if hits else f" (at most {at_most(n)})"
        yield from ("## Attacks", "", f"- worked: {hits} of {n}{bound}")
        yield f"- customers served under attack: {percent(attack.utility['hits'] / attack.utility['n'])}"
        if attack.benign:
            yield f"- and without: {percent(attack.benign['hits'] / attack.benign['n'])}"
        yield ""


def _costs(run: Run) -> Iterator[str]:
    rows = [
        [words(c.agent), f"{c.plays:,}", f"{1000 * c.p50:,.0f}", f"{1000 * c.p95:,.0f}", f"{c.model_calls:,}",
         f"{c.prompt_tokens:,}", f"{c.completion_tokens:,}"]
        for c in costs(run)
    ]  # fmt: skip
    if rows:
        heads = ["agent", "plays", "p50 ms", "p95 ms", "model calls", "prompt tokens", "completion tokens"]
        yield from ("## Cost and latency", "", *_table(heads, rows))


def _changes(changes: Changes | None, incomparable: str) -> Iterator[str]:
    yield from ("## Since the last report", "")
    if changes is None:
        yield from (words(incomparable) or "There is no earlier report.", "")
        return
    yield from (f"Last: {words(changes.model)}, {words(changes.at)}, commit {code(changes.commit)}.", "")
    for turned in changes.turned:
        lost = f" lost {', '.join(turned.lost)}" if turned.lost else ""
        gained = f" gained {', '.join(turned.gained)}" if turned.gained else ""
        yield f"- {words(turned.split)}/{words(turned.scenario)} ({words(turned.agent)}):{words(lost + gained)}"
    for moved in changes.moved:
        way = {True: "better", False: "worse", None: "moved"}[moved.better]
        yield f"- {way}: {words(moved.suite)}, {words(moved.name)}: {words(moved.before)} → {words(moved.now)}"
    for what, names in (("new", changes.new), ("gone", changes.gone)):
        if names:
            yield f"- {what}: {words(', '.join(names))}"
    yield ""


def _flaky(run: Run) -> Iterator[str]:
    yield from ("## Same input, different verdict", "")
    for flicker in flickers(run):
        trial = flicker.trial
        yield f"- {words(trial.scenario)} ({words(trial.variant)}, {words(trial.agent)}): passed {flicker.passed} of {flicker.played}"
    yield "" if flickers(run) else "None.\n"


def _failing(run: Run) -> Iterator[str]:
    found = failing(run)
    yield from ("## Failing scenarios", "") if found else ()
    for one in found:
        yield f"### {words(one.scenario)} ({words(one.category)}, {words(one.split)}, {words(one.agent)}): {one.passed} of {one.played} passed"
        yield ""
        for fault in one.faults:
            yield from _fault(fault)


def _pages(run: Run) -> Iterator[str]:
    """Pages of suites: Markdown of our own, one level down; a tag in it is text."""
    for suite in run.suites:
        if suite.page:
            yield from (f"## Suite {words(suite.suite)}", "")
            shown = "\n".join(visible(line) for line in suite.page.splitlines())
            shown = _TAG.sub("&lt;", re.sub(r"^#", "###", shown, flags=re.MULTILINE))
            yield from (shown.replace("](", "]\\("), "")


def _terms(run: Run) -> Iterator[str]:
    yield from ("## What was run", "")
    for name, data in run.datasets.items():
        yield f"- {words(name)}: {code(', '.join(f'{key} {value}' for key, value in data.items()))}"
    yield f"- {code(', '.join(f'{key} {value}' for key, value in run.parameters.items()))}"
    yield from (f"- {run.seconds:.1f} s, exit code {run.exit_code}", "")
