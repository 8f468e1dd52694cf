"""The report of a run of suites: one page for people, Markdown, JUnit for build servers, JSON for programs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evals.report.compare import compare
from evals.report.html import html
from evals.report.junit import junit
from evals.report.markdown import markdown
from evals.suites.result import Run

__all__ = ["write"]


def write(run: Run, folder: Path, before: Mapping[str, Any] | None) -> list[Path]:
    """Write report.html, report.md, report.xml and report.json into `folder`, which is made; their paths.

    `before` is the report.json of an earlier run; where it is of another version, the report says so and compares nothing.
    """
    result = run.as_json()
    changes, incomparable = None, ""
    if before is not None:
        try:
            changes = compare(result, before)
        except ValueError as why:
            incomparable = f"Not compared: {why}."
    texts = {
        "report.html": html(run, changes, incomparable=incomparable),
        "report.md": markdown(run, changes, incomparable=incomparable),
        "report.xml": junit(run),
        "report.json": json.dumps(result, ensure_ascii=False, indent=1),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        # Half a surrogate pair, which only JSON still holds here, becomes the escape that JSON has for it.
        (folder / name).write_text(text, "utf-8", errors="backslashreplace", newline="\n")
    return [folder / name for name in texts]
