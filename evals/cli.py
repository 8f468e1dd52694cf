"""`dunwell eval`: how well the product does, measured. The commands of this package join the command line here."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from evals.chaos import cli as chaos
from server.cli.output import Json, answer, cells, console, errors, refuse
from tools.errors import CollectionsError, Invalid

if TYPE_CHECKING:
    from evals.suites.ground import Terms
    from evals.suites.result import Run

_ATTACKS = Path("../shared/data/injections")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("eval")(evaluate)
    chaos.register(app)


def evaluate(  # noqa: PLR0917 - options, given by name
    suites: Annotated[
        list[str] | None, typer.Argument(help="Suites to run; without any, all but `crash`.", show_default=False)
    ] = None,
    model: Annotated[
        str, typer.Option(help="offline, oracle, hostile, code-alone, replay, or openai (any compatible endpoint).")
    ] = "offline",
    agent: Annotated[
        str | None, typer.Option(help="Instead of the product: the address of an agent that speaks the protocol of evals/foreign.")
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option(help="Instead of our scenarios: a folder of TOML and JSON files, or a JSONL file.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this scenario or category; may be given several times.")] = None,
    trials: Annotated[int, typer.Option(min=1, help="How often the same input is played: 8 for a model that is not deterministic.")] = 1,
    seed: Annotated[int, typer.Option(help="The same seed gives the same run.")] = 1,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes side by side; without it, one a core.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="A seeded part of each suite, within a minute.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Every case of each suite, however long it takes.")] = False,
    floor: Annotated[
        float | None, typer.Option(min=0, max=1, help="Instead of the target for pass^8: the share below which the exit code is 1.")
    ] = None,
    attacks: Annotated[
        Path, typer.Option(envvar="DUNWELL_INJECTIONS", help="Folder with public_attacks.jsonl; ours go beside it.")
    ] = _ATTACKS,
    cassettes: Annotated[Path | None, typer.Option(help="Folder of recorded answers: `replay` reads them, `openai` writes them.")] = None,
    before: Annotated[Path | None, typer.Option(help="An earlier report.json, to say what changed.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write report.html, .md, .xml (JUnit) and .json into this folder.")] = None,
    page: Annotated[Path | None, typer.Option(help="Write the suites' own pages (Markdown) to this file.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Play the eval suites: no key, no network. Exit code 0: all targets met, 1: one missed, 3: a hard rule was broken."""
    from evals.suites.ground import Terms  # noqa: PLC0415 - heavy: only when it runs
    from evals.suites.run import EVERY, SUITES, run  # noqa: PLC0415 - as above

    if unknown := set(suites or ()) - set(SUITES):
        raise typer.BadParameter(
            f"there is no suite {', '.join(sorted(unknown))}; there are {', '.join(SUITES)}"
        )
    if agent and set(suites or ()) - {"scenarios"}:
        raise typer.BadParameter(
            "a foreign agent plays the suite scenarios; the others look inside the product"
        )
    terms = Terms(
        model=model, agent=agent, dataset=dataset, only=tuple(only or ()), trials=trials, seed=seed, fast=fast, full=full, floor=floor,
        attacks=attacks, cassettes=cassettes,
    )  # fmt: skip
    try:
        earlier = _report(before) if before else None
        result = run(
            terms,
            suites or (["scenarios"] if agent else EVERY),
            jobs=jobs,
            say=lambda name: errors.print(f"{name} ...", markup=False),
        )
    except CollectionsError as wrong:
        refuse(wrong, as_json=as_json)
    if out:
        from evals.report import write  # noqa: PLC0415 - as above

        write(result, out, earlier)
    if page:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("\n\n".join(suite.page for suite in result.suites if suite.page), "utf-8")
    answer(result.as_json(), _show, as_json=as_json)
    _to_langsmith(result, terms)
    if result.exit_code:
        raise typer.Exit(result.exit_code)


def _to_langsmith(result: "Run", terms: "Terms") -> None:
    """Where a key is set: datasets and an experiment. What strangers wrote to somebody stays here."""
    from langsmith.utils import LangSmithError  # noqa: PLC0415 - heavy: only when it runs

    from evals.report.langsmith import client_of, upload  # noqa: PLC0415 - as above
    from evals.suites.ground import chosen  # noqa: PLC0415 - as above
    from server import settings  # noqa: PLC0415 - as above

    client = client_of(settings.load())
    if client is None:
        return
    try:
        for name in upload(client, result, chosen(terms), words=terms.dataset is None):
            errors.print(f"LangSmith: an experiment on {name}", markup=False)
    except LangSmithError as wrong:
        errors.print(f"LangSmith took nothing ({type(wrong).__name__}); the files are whole.", markup=False)


def _report(file: Path) -> dict[str, Any]:
    """An earlier report.json."""
    try:
        earlier = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as wrong:
        raise Invalid(f"{file} is no report of an earlier run: {wrong}.") from wrong
    if not isinstance(earlier, dict) or "suites" not in earlier:
        raise Invalid(f"{file} is no report of an earlier run: it holds no suites.")
    return earlier


def _show(result: dict[str, Any]) -> None:
    for suite in result["suites"]:
        table = Table(
            title=f"{suite['suite']}: {suite['verdict']} ({suite['seconds']} s)", title_justify="left"
        )
        for column in ("figure", "value", "target", ""):
            table.add_column(column)
        for figure in suite["figures"]:
            met = ("met" if figure["met"] else "MISSED") if figure["target"] else ""
            table.add_row(*cells(figure["name"], figure["shown"], figure["target"], met))
        console.print(table)
        for violation in suite["violations"][:20]:
            console.print(f"  hard rule: {violation}", markup=False)
        for failing in suite["failing"][:40]:
            console.print(f"  not passed: {failing}", markup=False)
    console.print(f"{result['seconds']} s, exit code {result['exit_code']}", markup=False)
