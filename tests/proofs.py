"""Randomised proofs: how large they are, and the table of what they proved.

Mark such a test `@pytest.mark.proof`. A Hypothesis test needs nothing else; a hand-made one asks
`proof_size` for its number of cases and reports them with `record_property("cases", n)`.
`make test` runs all of them small; `make prove` runs them full size and writes `infra/measured/proofs.md`.
"""

import os
import platform
import re
from pathlib import Path

import pytest

_TABLE = Path(__file__).resolve().parents[1] / "infra" / "measured" / "proofs.md"
_PROVE = os.environ.get("DUNWELL_PROVE") == "1"


def proof_size(*, test: int, prove: int) -> int:
    """How many cases to try: `test` in every run, `prove` under `make prove`."""
    return prove if _PROVE else test


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Count the examples of a Hypothesis proof."""
    statistics = getattr(item, "hypothesis_statistics", None)
    if call.when == "call" and statistics and item.get_closest_marker("proof"):
        passing = sum(int(count) for count in re.findall(r"(\d+) passing", statistics))
        item.user_properties.append(("cases", passing))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the table when this was `make prove`."""
    reports = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call" and "proof" in report.keywords
    ]
    if not _PROVE or not reports:
        return
    rows = [
        f"| `{report.nodeid}` | {dict(report.user_properties).get('cases', '')} | {report.duration:.1f} | {report.outcome} |"
        for report in sorted(reports, key=lambda report: report.nodeid)
    ]
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    head = [
        "# Randomised proofs",
        "",
        f"Written by `make prove` ({machine}). A case is one generated example that passed.",
        "",
    ]
    _TABLE.parent.mkdir(parents=True, exist_ok=True)
    _TABLE.write_text(
        "\n".join([*head, "| proof | cases | seconds | outcome |", "| --- | ---: | ---: | --- |", *rows, ""]),
        "utf-8",
    )
    terminalreporter.write_line(f"{len(rows)} proofs written to {_TABLE.relative_to(Path.cwd())}")
