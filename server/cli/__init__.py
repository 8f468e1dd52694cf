"""The command line `dunwell`: every command answers people in text and programs with --json."""

from importlib.metadata import entry_points

import typer

from server.cli import (
    approvals,
    audit,
    backup,
    conversation,
    erasure,
    installation,
    ledger,
    memory,
    outbox,
    up,
    work,
)
from server.logs import configure_logs

app = typer.Typer(
    name="dunwell",
    help="A collections agent: it finds what is owed, writes, answers, remembers, and stops for a person before anything risky.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for commands in (
    ledger,
    erasure,
    conversation,
    approvals,
    outbox,
    memory,
    audit,
    installation,
    backup,
    work,
    up,
):
    commands.register(app)


def main() -> None:
    """Entry point. Packages above this one (evals) join with their own commands through an entry-point group."""
    configure_logs()
    for entry in entry_points(group="dunwell.commands"):
        entry.load()(app)
    app()
