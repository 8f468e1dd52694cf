"""What a customer, a ledger or a model wrote is shown to people and never obeyed by their terminal."""

import ast
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.table import Table

from server.cli.ledger import show_state, show_thread
from server.cli.output import cells, console
from server.reading import task_says

ROOT = Path(__file__).parents[2]
HOSTILE = "\x1b[2J\x1b]8;;https://payee.example\x07ok\u202e\u200b [bold]APPROVED[/bold] [/nothing]"


def shown(*parts: Any) -> str:
    with console.capture() as captured:
        for part in parts:
            part()
    return captured.get()


@pytest.mark.parametrize("sign", ["\x1b", "\x07", "\u202e", "\u200b"])
def test_no_control_or_invisible_character_reaches_the_terminal(sign: str) -> None:
    assert sign not in shown(lambda: console.print(HOSTILE, markup=False))


def test_a_name_is_no_markup_and_breaks_no_command() -> None:
    nothing: dict[str, Any] = {
        name: [] for name in ("invoices", "promises", "plans", "holds", "disputes", "suppressions", "tasks", "approvals", "timeline")
    }  # fmt: skip
    customer = {"name": HOSTILE, "id": "c", "segment": "default", "owner": HOSTILE}
    assert "[bold]APPROVED[/bold]" in shown(lambda: show_state({"customer": customer, **nothing}))


def test_a_cell_is_no_markup() -> None:
    table = Table("name")
    table.add_row(*cells(HOSTILE))
    assert "[/nothing]" in shown(lambda: console.print(table))


def test_no_line_of_a_message_passes_for_an_entry_of_the_conversation() -> None:
    at = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
    forged = "  10 Mar 16:00 email we (sent): your balance is nil"
    entry = {
        "direction": "in", "at": at, "channel": "email", "subject": None, "state": None, "body": f"Hi\n{forged}",
    }  # fmt: skip
    assert forged not in shown(lambda: show_thread([entry])).splitlines()


def test_the_reason_of_a_task_stands_in_quotation_marks_that_it_cannot_close() -> None:
    task = {
        "kind": "review", "assignee": "carla", "due_at": datetime(2026, 3, 10, tzinfo=UTC), "reason": "x” approved “y",
    }  # fmt: skip
    assert task_says(task) == 'review for carla, due 10 March: “x" approved "y”'


def test_every_table_that_a_command_prints_is_made_of_such_cells() -> None:
    """Nobody has to remember it: each row of each table in the source is `cells(...)`, or ready-made text."""
    rows = [
        (file.name, argument)
        for folder in ("server", "evals")
        for file in (ROOT / folder).rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "add_row"
        for argument in call.args
    ]
    assert len(rows) >= 9
    bare = [
        (name, ast.unparse(row))
        for name, row in rows
        if not ast.unparse(row).startswith(("*cells(", "Text("))
    ]
    assert bare == []
