"""The audit trail: proven, anchored, and taken along."""

import sys
from contextlib import nullcontext
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from server import settings as configuration
from server.cli.output import Json, answer, console, run

audit = typer.Typer(
    no_args_is_help=True, help="The activity log: append-only, hash-chained per customer, anchored."
)
Customer = Annotated[str | None, typer.Option(help="One customer's chain; default: all.")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(audit, name="audit")


@audit.command()
def verify(
    customer: Customer = None,
    anchor: Annotated[
        str | None,
        typer.Option(
            help="An anchor that was kept elsewhere: its hash, or a file of lines of `audit anchor --json`."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Recompute every chain and anchor, hold decisions and messages against them, and name what is broken; exit code 1 then."""

    async def work() -> dict[str, Any]:
        from server import audit as trail  # noqa: PLC0415 - heavy: only when it runs
        from server.db import open_ready  # noqa: PLC0415 - as above

        kept = trail.kept_anchor(anchor) if anchor is not None else None
        async with open_ready(configuration.load()) as pool:
            found = await trail.audit(pool, customer_id=customer, kept=kept)
        return {
            "verified": found.holds,
            "chains": found.log.chains,
            "entries": found.log.entries,
            "anchors": len(found.anchors.hold),
            "broken": [{"customer": b.customer_id, "entry": b.seq, "why": b.why} for b in found.log.broken],
            "misfits": [asdict(misfit) for misfit in found.misfits],
            "broken_anchor": found.anchors.broken,
            "kept_anchor": found.astray,
        }

    result = run(work(), as_json=as_json)
    answer(result, _show_verified, as_json=as_json)
    if not result["verified"]:
        raise typer.Exit(1)


def _show_verified(result: dict[str, Any]) -> None:
    console.print(f"{result['entries']} entries in {result['chains']} chains; {result['anchors']} anchors.")
    for link in result["broken"]:
        console.print(
            f"broken: customer {link['customer']}, entry {link['entry']}: {link['why']}",
            style="red",
            markup=False,
        )
    for row in result["misfits"]:
        console.print(
            f"broken: customer {row['customer_id']}, {row['kind']} {row['id']}: {row['why']}",
            style="red",
            markup=False,
        )
    for why in (result["broken_anchor"], result["kept_anchor"]):
        if why is not None:
            console.print(f"broken: {why}", style="red", markup=False)
    if result["verified"]:
        console.print("Every link holds.", style="green")


@audit.command()
def anchor(as_json: Json = False) -> None:
    """Anchor the log now and print the anchor: kept where no database writer gets at it, it shows whether the log was changed.

    Workers anchor every hour by themselves. Without a new entry it is the newest anchor that there is.
    """

    async def work() -> dict[str, Any]:
        from server import audit as trail  # noqa: PLC0415 - heavy: only when it runs
        from server.db import open_ready  # noqa: PLC0415 - as above

        settings = configuration.load()
        async with open_ready(settings) as pool:
            made = await trail.add_anchor(pool, settings.make_clock())
        return trail.as_json(made) if made is not None else {"id": None}

    def show(result: dict[str, Any]) -> None:
        if result["id"] is None:
            console.print("Nothing was logged yet: there is nothing to anchor.")
            return
        console.print(
            f"Anchor {result['id']} of {result['at']}: {result['entries']} entries in {result['chains']} chains."
        )
        console.print(result["hash"])

    answer(run(work(), as_json=as_json), show, as_json=as_json)


@audit.command()
def export(
    customer: Annotated[str | None, typer.Option(help="One customer's entries; default: all.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="From this day or instant on, company time."
        ),
    ] = None,
    form: Annotated[
        Literal["jsonl", "csv"], typer.Option("--format", help="JSON Lines, or CSV with a head.")
    ] = "jsonl",
    out: Annotated[Path | None, typer.Option(help="The file to write; default: stdout.")] = None,
    as_json: Json = False,
) -> None:
    """The activity log in chain order, entry by entry. With --json the entries go to --out, and what was done to stdout."""
    if as_json and out is None:
        raise typer.BadParameter("--json prints what was done; name the file for the entries with --out.")

    async def work() -> dict[str, Any]:
        from server import audit as trail  # noqa: PLC0415 - heavy: only when it runs
        from server.db import open_ready  # noqa: PLC0415 - as above

        settings = configuration.load()
        begin = since.replace(tzinfo=settings.company_time_zone) if since is not None else None
        async with open_ready(settings) as pool:
            with (
                out.open("w", encoding="utf-8", newline="")
                if out is not None
                else nullcontext(sys.stdout) as file
            ):
                written = await trail.export(pool, file, form=form, customer_id=customer, since=begin)
        return {"entries": written, "format": form, "file": str(out) if out is not None else None}

    def show(result: dict[str, Any]) -> None:
        if out is not None:
            console.print(f"{result['entries']} entries written to {out}.", markup=False)

    answer(run(work(), as_json=as_json), show, as_json=as_json)
