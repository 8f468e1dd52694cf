"""The demo: the whole job on the sample ledger, by the public command line and the HTTP API and nothing else."""

import json
import shutil
import tempfile
import time
from importlib import resources
from pathlib import Path

from rich.rule import Rule

from server.demo.acts import play
from server.demo.stage import console, open_stage

SAMPLE = "tools.ledger.sample"


def run_demo(*, keep: bool, ledger: Path | None = None) -> int:
    """Play the demo in a database of its own and print its figures as the last line. Gives the exit code."""
    started = time.monotonic()
    sample = ledger or Path(str(resources.files(SAMPLE).joinpath("")))
    if not (sample / "policy.toml").is_file():
        raise SystemExit(f"There is no sample ledger in {sample}: it lacks policy.toml.")
    console.print(
        Rule("[bold]Dunwell[/bold]: the model proposes, the policy disposes, a person decides what is risky")
    )
    folder = Path(tempfile.mkdtemp(prefix="dunwell-demo-"))
    try:
        with open_stage(folder, sample) as stage:
            figures = play(stage, sample)
    finally:
        _clean_up(folder, keep=keep)
    figures["seconds"] = round(time.monotonic() - started, 1)
    console.print(Rule("figures"))
    print(json.dumps(figures))  # noqa: T201 - the last line is for programs
    return 0 if figures["audit_verified"] else 1


def _clean_up(folder: Path, *, keep: bool) -> None:
    from server.embedded import stop  # noqa: PLC0415 - the demo's own database, stopped after its last command

    data = folder / "data"
    if keep:
        console.print(f"The demo's database stays: DUNWELL_DATA_DIR={data}")
        return
    stop(data)
    shutil.rmtree(folder, ignore_errors=True)
