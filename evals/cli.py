"""`dunwell eval`: how well the product does, measured. The commands of this package join the command line here."""

from pathlib import Path
from typing import Annotated, Any

import typer

from evals.chaos import cli as chaos
from evals.injection import cli as injection
from server.cli.output import Json, answer, console

evaluate = typer.Typer(no_args_is_help=True, help="Measure how well it does what it promises.")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(evaluate, name="eval")
    chaos.register(app)
    injection.register(evaluate)


@evaluate.callback()
def _group() -> None:
    """Keep the group a group while it has one command."""


@evaluate.command()
def consent(
    out: Annotated[Path | None, typer.Option(help="Write the page to this file as well.")] = None,
    as_json: Json = False,
) -> None:
    """Opt-outs and every other signal in labelled messages; exit code 1 when our own set misses a target."""
    from evals.consent.measure import detection_digest, first_round, load, measure  # noqa: PLC0415 - heavy: only when it runs
    from evals.consent.page import page  # noqa: PLC0415 - as above

    files = {"ours": load("messages.jsonl"), "fresh": load("fresh.jsonl")}
    columns = [measure(name, text) for name, text in files.items() if text is not None]
    detection, first = detection_digest(), first_round()
    shown = page(columns, first, detection)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(shown, "utf-8")

    def show(_: dict[str, Any]) -> None:
        console.print(shown, markup=False, soft_wrap=True)

    missed = next((column.below_target() for column in columns if column.name == "ours"), [])
    result = {
        "met": not missed,
        "missed": missed,
        "detection_sha256": detection,
        "round1": first.as_json(),
        "columns": [column.as_json() for column in columns],
    }
    answer(result, show, as_json=as_json)
    if missed:
        raise typer.Exit(1)
