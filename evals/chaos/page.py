"""The page of a campaign: the command, the totals, and a row for each failpoint."""

from collections.abc import Mapping
from typing import Any

from evals.chaos.checks import KINDS


def page(result: Mapping[str, Any]) -> str:
    """Markdown, violations first."""
    lines = ["# Chaos", "", f"Command: `{result['command']}`. {result['circumstances']}.", ""]
    found = result["violations"]
    lines += [f"**{len(found)} violations shown.**", ""] if found else ["No violation of any invariant.", ""]
    lines += [
        f"- {v['kind']}: {v['rule']} on {v['subject']}: {v['why']} (failpoint {v['failpoint']}, seed {v['seed']})"
        for v in found
    ]
    lines += [""] if found else []
    if result["never_reached"]:
        lines += [f"**Never reached: {', '.join(result['never_reached'])}.**", ""]
    columns = ["runs", "kills", "turns", *KINDS, "recovery_p95_s", "recoveries"]
    lines += _table(columns, [[result[name] for name in columns]])
    lines += ["", *_table(
        ["failpoint", "reached", "killed there"],
        [[f"`{name}`", row["hits"], row["kills"]] for name, row in result["failpoints"].items()],
    ), ""]  # fmt: skip
    return "\n".join(lines)


def _table(columns: list[str], rows: list[list[Any]]) -> list[str]:
    return [
        "| " + " | ".join(columns) + " |",
        "| --- |" + " ---: |" * (len(columns) - 1),
        *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows),
    ]
