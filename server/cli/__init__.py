"""The command line `dunwell`: every command answers people in text and programs with --json."""

import gc
from importlib.metadata import entry_points

import typer

from server.cli import (
    approvals,
    arrangements,
    audit,
    autonomy,
    backup,
    conversation,
    customer_file,
    doctor,
    erasure,
    inbox,
    installation,
    ledger,
    memory,
    outbox,
    policy,
    up,
    users,
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
    customer_file,
    erasure,
    conversation,
    approvals,
    arrangements,
    outbox,
    inbox,
    memory,
    policy,
    autonomy,
    audit,
    installation,
    doctor,
    users,
    backup,
    work,
    up,
):
    commands.register(app)


def main() -> None:
    """Entry point. Packages above this one (evals) join with their own commands through an entry-point group."""
    # A start makes half a million objects that stay; to look through them as often as usual would be a sixth of its time.
    gc.set_threshold(10_000, 50, 50)
    configure_logs()
    for entry in entry_points(group="dunwell.commands"):
        entry.load()(app)
    app()
