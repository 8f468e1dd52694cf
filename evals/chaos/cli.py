"""`dunwell chaos`: kill everything at every moment, and look whether anything was lost, doubled or done without leave."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.output import Json, answer, console, errors

_RUNS = 20
_KILLS_A_RUN = 10
_SIDE_BY_SIDE = 5  # most of a run is waiting: for a heartbeat to be missed, for a provider to time out


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    app.command()(chaos)


def chaos(  # noqa: PLR0917 - options, given by name
    failpoint: Annotated[
        list[str] | None, typer.Option(help="Only this failpoint; may be given several times.")
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="Seeded runs of each failpoint.")] = _RUNS,
    kills: Annotated[
        int,
        typer.Option(min=0, help="Instead: so many kills at random moments, and restarts of the database."),
    ] = 0,
    seed: Annotated[int, typer.Option(help="The first seed; each run has the next one.")] = 1,
    without: Annotated[
        list[str] | None, typer.Option(help="Test of the checker: fence, claim or lock is taken away.")
    ] = None,
    providers: Annotated[
        str,
        typer.Option(
            help="Who carries messages: stand-in, or twilio-sendgrid (the real channels, before fakes)."
        ),
    ] = "stand-in",
    side_by_side: Annotated[int, typer.Option(min=1, max=32, help="Runs at once.")] = _SIDE_BY_SIDE,
    keep: Annotated[
        Path | None, typer.Option(help="Keep history and logs of runs with violations in this folder.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the page to this file as well.")] = None,
    as_json: Json = False,
) -> None:
    """Kill workers and servers at every failpoint while customers write, reviewers click and providers lie.

    Exit code 1 when a promise was broken, a failpoint was never reached, or recovery took longer than 5 s (p95).
    """
    from evals.chaos import points  # noqa: PLC0415 - heavy: only when it runs
    from evals.chaos.campaign import Campaign, wage  # noqa: PLC0415 - as above
    from evals.chaos.carriers import PROVIDERS  # noqa: PLC0415 - as above
    from evals.chaos.page import page  # noqa: PLC0415 - as above
    from evals.chaos.run import Result, Terms  # noqa: PLC0415 - as above
    from evals.chaos.switches import thrown  # noqa: PLC0415 - as above

    if providers not in PROVIDERS:
        raise typer.BadParameter(f"providers are {' or '.join(PROVIDERS)}")
    carried = PROVIDERS[PROVIDERS.index(providers)]
    names = points.names(webhooks=carried != "stand-in")
    if unknown := set(failpoint or ()) - set(names):
        raise typer.BadParameter(f"there is no failpoint {', '.join(sorted(unknown))}")
    chosen = failpoint or ([] if kills else names)
    off = thrown(without or ())
    if kills:
        terms = [
            Terms(seed + n, random_kills=_KILLS_A_RUN, without=off, providers=carried)
            for n in range(-(-kills // _KILLS_A_RUN))
        ]
    else:
        terms = [
            Terms(seed + n, point, without=off, providers=carried) for n in range(runs) for point in chosen
        ]
    began, done = time.monotonic(), 0

    def progress(result: Result) -> None:
        nonlocal done
        done += 1
        if sys.stderr.isatty() or result.violations:
            errors.print(f"{done}/{len(terms)} {result.terms.name}: {len(result.violations)} violations")

    results, where = wage(
        terms, side_by_side=side_by_side, restart_database=bool(kills), keep=keep, progress=progress
    )
    campaign = Campaign(results, chosen)
    seconds = time.monotonic() - began
    result: dict[str, Any] = {
        **campaign.as_json(),
        "seconds": round(seconds, 1),
        "command": _command(failpoint, runs, kills, seed, without, providers),
        "circumstances": f"{seconds:.0f} s on {where['cores']} cores (load {where['load_1m']} at the end), Python "
        f"{where['python']}, Postgres {where['postgres']['server_version']}",
    }
    shown = page(result)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(shown, "utf-8")
    answer(result, lambda _: console.print(shown, markup=False, soft_wrap=True), as_json=as_json)
    if campaign.failed():
        raise typer.Exit(1)


def _command(
    failpoint: list[str] | None, runs: int, kills: int, seed: int, without: list[str] | None, providers: str
) -> str:
    words = ["dunwell chaos", *(f"--failpoint {name}" for name in failpoint or ())]
    words += [f"--kills {kills}"] if kills else [f"--runs {runs}"]
    words += [f"--providers {providers}"] if providers != "stand-in" else []
    return " ".join([*words, f"--seed {seed}", *(f"--without {name}" for name in without or ())])
