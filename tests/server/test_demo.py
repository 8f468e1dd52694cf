"""The demo, as a person starts it: its figures, what changes them, and the same job with a model that is not ours."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from server.demo.acts import CONVERSATIONS
from tests.agent.models.fake_openai import run_fake_openai

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "tools" / "ledger" / "sample"
FIGURES = {
    "customers", "overdue", "sent", "approvals_asked", "approvals_resumed", "replies_handled", "holds",
    "audit_verified", "seconds",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """What a run of the demo showed: everything it said, and its figures without how long it took."""

    text: str
    figures: dict[str, Any]
    seconds: float


def play(folder: Path, *words: str, environment: Mapping[str, str] | None = None) -> Shown:
    """Run the demo in a process of its own; afterwards nothing of it is left."""
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", "demo", *words], cwd=ROOT, check=False, capture_output=True, text=True,
        timeout=150, env={**os.environ, "TMPDIR": str(folder), **(environment or {})},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list(folder.iterdir()) == []
    figures = json.loads(done.stdout.splitlines()[-1])
    assert set(figures) == FIGURES
    return Shown(done.stdout, figures, figures.pop("seconds"))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """The demo on the sample ledger as it is shipped."""
    return play(tmp_path_factory.mktemp("demo") / "shipped")


def test_the_demo_shows_the_whole_job_and_ends_with_its_figures(shipped: Shown) -> None:
    figures = shipped.figures
    customers = _rows(SAMPLE / "customers.csv")
    assert figures["customers"] == len(customers)
    assert 0 < figures["overdue"] < figures["customers"]
    assert 0 < figures["sent"] < figures["overdue"]
    # The two that Dana decides and the plan; the rejected message is drafted and asked again.
    assert figures["approvals_resumed"] == 3
    assert figures["approvals_asked"] > figures["approvals_resumed"]
    assert figures["replies_handled"] == len(CONVERSATIONS) + 1
    assert figures["holds"] >= 1
    assert figures["audit_verified"] is True
    assert shipped.seconds > 0
    for shown in (
        "What waits, and why", "sent by email", "sent by sms", "Friendlier, please. -> rejected", "-> approved",
        "the same click again -> 409", "promise", "dispute", "opt_out", "every link holds: True",
    ):  # fmt: skip
        assert shown in shipped.text


def test_three_changed_rows_and_a_new_one_change_the_figures_by_exactly_that(
    shipped: Shown, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    shutil.copytree(SAMPLE, ledger, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    expected = Counter(shipped.figures)
    # Paid off in the books: no longer overdue, and nothing to write about.
    _change(
        ledger / "invoices.csv", "INV-20032", {"Balance": "237.75"}, {"Balance": "0.00", "Status": "Paid"}
    )
    expected.subtract({"overdue": 1, "sent": 1})
    # Above 2,500.00: what went out by itself now waits for a collector.
    raised = {"Total": "2600.00", "Balance": "2600.00"}
    _change(ledger / "invoices.csv", "INV-20040", {"Balance": "742.50"}, raised)
    expected.subtract({"sent": 1})
    expected.update(approvals_asked=1)
    # Due next year: not overdue yet.
    _change(ledger / "invoices.csv", "INV-20036", {"Due": "11/12/2026"}, {"Due": "01/12/2027"})
    expected.subtract({"overdue": 1, "sent": 1})
    # A customer who owes nothing.
    with (ledger / "customers.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(
            ["C-1099", "Odile Fairweather", "consumer", "", "residential", *[""] * 6, "Active", "No", ""]
        )
    expected.update(customers=1)

    changed = play(tmp_path / "tmp", "--ledger", str(ledger))

    assert changed.figures == dict(expected)


def test_the_whole_demo_runs_the_same_with_a_model_behind_an_openai_compatible_endpoint(
    shipped: Shown, tmp_path: Path
) -> None:
    """The graph does not know whose model it is: the endpoint thinks as ours does, and everything comes out the same."""
    requests: list[dict[str, Any]] = []
    with run_fake_openai(requests=requests) as url:
        theirs = play(
            tmp_path / "tmp",
            environment={
                "DUNWELL_MODEL": "openai", "DUNWELL_OPENAI_BASE_URL": url, "DUNWELL_OPENAI_MODEL": "not-ours",
                "DUNWELL_OPENAI_API_KEY": "any", "DUNWELL_DATA_DIR": "/nonexistent", "DUNWELL_ENV": "production",
            },
        )  # fmt: skip

    assert theirs.figures == shipped.figures
    # Each account that got something and each reply took the model at least one call.
    assert len(requests) >= theirs.figures["sent"] + theirs.figures["replies_handled"]
    assert {request["model"] for request in requests} == {"not-ours"}
    assert all(request["tools"] for request in requests)


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        (["--ledger", "/nonexistent"], {}, "There is no sample ledger in /nonexistent"),
        ([], {"DUNWELL_MODEL": "openai"}, "DUNWELL_MODEL=openai needs DUNWELL_OPENAI_MODEL"),
    ],
    ids=["no-ledger", "half-a-model"],
)
def test_a_demo_that_cannot_run_says_why_and_leaves_nothing(
    tmp_path: Path, words: list[str], environment: dict[str, str], sentence: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", "demo", *words], cwd=ROOT, check=False, capture_output=True, text=True,
        timeout=150, env={**os.environ, "TMPDIR": str(tmp_path), **environment},
    )  # fmt: skip
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _change(path: Path, invoice: str, was: Mapping[str, str], becomes: Mapping[str, str]) -> None:
    """Change one row; what it was is asserted, so that a regenerated sample cannot make the test say nothing."""
    rows = _rows(path)
    row = next(row for row in rows if row["Invoice ID"] == invoice)
    assert {name: row[name] for name in was} == was
    row.update(becomes)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
