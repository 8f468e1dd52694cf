"""The report as one HTML page that needs nothing beside itself: no script, no font, no address."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from evals.report import figures
from evals.report.board import Board
from evals.report.compare import Changes
from evals.report.findings import breaches, failing, flickers, unseen
from evals.report.headline import headline
from evals.suites.result import Run
from tools.dunning.segments import visible

_BELOW = 3  # levels that a suite's headings stand below the page's own


def html(run: Run, changes: Changes | None, *, incomparable: str = "") -> str:
    """The whole page. Whatever it shows is escaped, and without characters that nobody can see."""
    return _environment().get_template("report.html").render(
        run=run, board=Board(run), top=headline(run, changes), breaches=breaches(run), unseen=unseen(run),
        attacks=figures.attacks(run), costs=figures.costs(run), flickers=flickers(run), failing=failing(run),
        changes=changes, incomparable=incomparable,
    )  # fmt: skip


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("evals.report"), autoescape=True, undefined=StrictUndefined, finalize=_shown,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "percent": figures.percent, "between": figures.between, "at_most": figures.at_most, "page": _page, "spoken": _spoken,
    }  # fmt: skip
    environment.globals |= {
        "yardsticks": figures.YARDSTICKS,
        "oracle": figures.ORACLE,
        "hostile": figures.HOSTILE,
    }
    return environment


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _spoken(line: str) -> str:
    """How a line of a conversation is set: what a customer said, what was sent to them, what else happened."""
    if line[:1].isspace():
        return "sent" if line.lstrip().startswith("message:") else "done"
    return "said" if "customer" in line[:12] else "turn"


def _page(text: str) -> Markup:
    """A suite's own page: tables and headings, but no HTML, no links and no pictures."""
    markdown = (
        MarkdownIt("commonmark", {"html": False})
        .enable("table")
        .disable(["link", "image", "autolink", "reference"])
    )
    tokens = markdown.parse(visible(text))
    for token in tokens:
        if token.type.startswith("heading"):
            token.tag = f"h{min(6, int(token.tag[1]) + _BELOW)}"
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704 - it escapes all text itself
