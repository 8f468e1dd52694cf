"""Commands on autonomy: what each segment has earned, by what was counted, and a step up."""

from typing import Annotated, Any

import typer
from rich.table import Table

from server import settings as configuration
from server.cli.output import Json, answer, cells, console, run

autonomy = typer.Typer(no_args_is_help=True, help="How far each segment may go without a person, and why.")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(autonomy, name="autonomy")


@autonomy.command()
def show(
    segment: Annotated[str | None, typer.Argument(help="Only this segment.")] = None, as_json: Json = False
) -> None:
    """What was counted of each action, the mode it has, the mode that the evidence proposes, and why."""

    async def work() -> dict[str, Any]:
        from agent.autonomy.record import changes, standings  # noqa: PLC0415 - heavy: only when it runs
        from server.runtime import open_engine  # noqa: PLC0415 - as above

        async with open_engine(configuration.load()) as engine, engine.deps.pool.connection() as conn:
            found = await standings(conn, engine.deps, segment=segment)
            terms = engine.deps.gate.policy.document.autonomy
            return {
                "window_days": terms.window_days,
                "standings": [standing.as_json() for standing in found],
                "changes": await changes(conn, segment=segment),
            }

    def shown(result: dict[str, Any]) -> None:
        table = Table(title=f"Counted over {result['window_days']} days, or since the mode last changed")
        for column in ("segment", "action", "evidence", "now", "proposed", "why"):
            table.add_column(column, overflow="fold")
        for row in result["standings"]:
            told = ", ".join(_counted(name, count) for name, count in row["evidence"].items())
            table.add_row(
                *cells(row["segment"], row["action"], told, row["now"], row["proposed"], row["why"])
            )
        console.print(table)
        for change in result["changes"]:
            console.print(
                f"{change['at']:%Y-%m-%d %H:%M} {change['segment']}: {change['action']} from {change['before']} to "
                f"{change['after']} by {change['by']} ({change['why']})",
                markup=False,
            )

    answer(run(work(), as_json=as_json), shown, as_json=as_json)


def _counted(name: str, count: int) -> str:
    if name == "distance_permille":  # it adds up, draft by draft
        return f"{count / 1000:.1f} drafts' worth rewritten"
    return f"{count} {name.replace('_', ' ')}"


@autonomy.command()
def promote(
    segment: Annotated[str, typer.Argument(help="The segment.")],
    user: Annotated[str, typer.Option("--as", help="Who promotes: the name of an admin.")],
    action: Annotated[str | None, typer.Option(help="Only this action; default: all that may go up.")] = None,
    as_json: Json = False,
) -> None:
    """One step up where the evidence supports it, at most to the policy file's mode; the record says who and on what."""

    async def work() -> dict[str, Any]:
        from server import autonomy as ladder  # noqa: PLC0415 - heavy: only when it runs
        from server.runtime import open_engine  # noqa: PLC0415 - as above
        from server.users import user_named  # noqa: PLC0415 - as above

        async with open_engine(configuration.load()) as engine:
            async with engine.deps.pool.connection() as conn:
                who = await user_named(conn, user)
            raised = await ladder.promote(engine.deps, segment, user=who, action=action)
            return {"promoted_by": who.name, "promoted": [standing.as_json() for standing in raised]}

    def shown(result: dict[str, Any]) -> None:
        for row in result["promoted"]:
            console.print(f"{row['segment']}: {row['action']} goes from {row['now']} to {row['proposed']}.")

    answer(run(work(), as_json=as_json), shown, as_json=as_json)
