"""The runbook names commands, options, settings and files that exist."""

import re
import shlex
from typing import Any

import pytest
import typer

from server.cli import app
from server.settings import Settings
from tests.infra.image import COMPOSE, ROOT

RUNBOOK = (ROOT / "infra" / "runbook.md").read_text("utf-8")
COMMANDS = sorted(
    {
        found[1]
        for found in re.finditer(r"\bdunwell ((?:[a-z]+)(?: [\w./=-]+)*)", RUNBOOK)
        if "/" not in found[1].split()[0]
    }
)


@pytest.mark.parametrize("words", COMMANDS)
def test_its_commands_are_commands_with_these_options(words: str) -> None:
    command: Any = typer.main.get_command(app)
    given = shlex.split(words)
    while hasattr(command, "commands"):
        assert given, words
        assert given[0] in command.commands, words
        command = command.commands[given.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in given if word.startswith("--")} <= known


def test_its_settings_are_settings() -> None:
    theirs = {"DUNWELL_DB_PASSWORD"}  # compose's
    named = set(re.findall(r"\bDUNWELL_[A-Z_]+\b", RUNBOOK)) - theirs
    assert named <= {f"DUNWELL_{name.upper()}" for name in Settings.model_fields}
    grace = Settings.model_fields["worker_grace_seconds"].default
    assert f"`DUNWELL_WORKER_GRACE_SECONDS` ({grace:.0f})" in RUNBOOK
    assert (
        f"compose gives {COMPOSE['services']['worker']['stop_grace_period'].removesuffix('s')} seconds"
        in RUNBOOK
    )


def test_its_files_are_there() -> None:
    for name in re.findall(r"\b(?:infra|server)/[\w./-]+\.(?:sql|yaml|example|sh)\b", RUNBOOK):
        assert (ROOT / name).is_file(), name
