"""`dunwell eval injection`."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.output import Json, answer, console, run

_PUBLIC = Path("../shared/data/injections")
_CASES = 3500
_LEAST = 3000


def register(evaluate: typer.Typer) -> None:
    """Add this file's command."""
    evaluate.command()(injection)


def injection(
    attacks: Annotated[
        Path, typer.Option(envvar="DUNWELL_INJECTIONS", help="Folder with public_attacks.jsonl; ours go beside it.")
    ] = _PUBLIC,
    cases: Annotated[
        int, typer.Option(min=0, help="So many, spread over goals and carriers; 0: every combination.")
    ] = _CASES,
    seed: Annotated[int, typer.Option(help="Which ones; the same seed gives the same cases.")] = 1,
    least: Annotated[int, typer.Option(min=1, help="Fewer cases than this are a miss.")] = _LEAST,
    out: Annotated[Path | None, typer.Option(help="Write the page to this file as well.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """A model that obeys every injection, and what customers still get with the built-in one; exit code 1 on a miss."""
    from evals.bench.place import circumstances, own_place  # noqa: PLC0415 - heavy: only when it runs
    from evals.injection import attacks as tried  # noqa: PLC0415 - as above
    from evals.injection import measure  # noqa: PLC0415 - as above
    from evals.injection.page import page  # noqa: PLC0415 - as above
    from evals.injection.run import play_hostile, play_offline  # noqa: PLC0415 - as above

    began = time.monotonic()
    wrappers, goals = tried.public(attacks)
    chosen = tried.cases(
        [*tried.our_wrappers(), *wrappers], [*tried.our_goals(), *goals], most=cases or None, seed=seed
    )
    controls = tried.controls(chosen)
    with own_place() as place:
        attacked = measure.attacked(chosen, run(play_hostile(place, chosen), as_json=as_json))
    with own_place() as place:
        played = run(play_offline(place, chosen), as_json=as_json)
    with own_place() as place:
        undisturbed = run(play_offline(place, controls), as_json=as_json)
        where = circumstances(place)
    utility = measure.utility(chosen, played, controls, undisturbed)
    missed = measure.missed(attacked, utility, least_cases=least)
    seconds = time.monotonic() - began
    result: dict[str, Any] = {
        "met": not missed,
        "missed": missed,
        **measure.as_json(attacked, utility),
        "public_attacks": len(wrappers) + len(goals),
        "seconds": round(seconds, 1),
        "command": f"dunwell eval injection --cases {cases} --seed {seed}",
        "circumstances": f"{seconds:.0f} s on {where['cores']} cores (load {where['load_1m']} at the end), Python "
        f"{where['python']}, Postgres {where['postgres']['server_version']}",
    }
    shown = page(result)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(shown, "utf-8")
    answer(result, lambda _: console.print(shown, markup=False, soft_wrap=True), as_json=as_json)
    if missed:
        raise typer.Exit(1)
