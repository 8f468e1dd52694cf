"""The conversation memory: re-embedding."""

import time
from dataclasses import asdict
from typing import Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from server import settings as configuration
from server.cli.output import Json, answer, console, errors, run

memory = typer.Typer(no_args_is_help=True, help="What the assistant remembers of conversations.")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(memory, name="memory")


@memory.callback()
def _group() -> None:
    # With one command only, Typer would make the group itself that command.
    pass


@memory.command()
def reembed(as_json: Json = False) -> None:
    """Embed every message with the model of the settings; it goes on where it was stopped, also while others serve."""

    async def work() -> dict[str, Any]:
        from server.db import open_ready  # noqa: PLC0415 - as above
        from server.memory import reembed as run_reembedding  # noqa: PLC0415 - heavy: only when it runs
        from server.runtime import embedder_of  # noqa: PLC0415 - as above

        settings = configuration.load()
        started = time.monotonic()
        columns = (TextColumn("[bold]messages"), BarColumn(), MofNCompleteColumn())
        async with open_ready(settings) as pool:
            with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
                task = bar.add_task("reembed", total=None)
                done = await run_reembedding(
                    pool,
                    embedder_of(settings),
                    settings.make_clock(),
                    progress=lambda done, total: bar.update(task, completed=done, total=total),
                )
        return {**asdict(done), "seconds": round(time.monotonic() - started, 2)}

    def show(result: dict[str, Any]) -> None:
        console.print(
            f"{result['embedded']} of {result['messages']} messages embedded with {result['model_id']} "
            f"in {result['seconds']} seconds."
        )
        if result["left"]:
            console.print(f"{result['left']} were being written meanwhile: run it again.", style="yellow")

    result = run(work(), as_json=as_json)
    answer(result, show, as_json=as_json)
    if result["left"]:
        raise typer.Exit(1)
