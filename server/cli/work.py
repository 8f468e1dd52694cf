"""`dunwell work`: answer customers, do what falls due, and send."""

import asyncio
import sys
from typing import Annotated

import typer

from server import settings as configuration
from server.cli.output import errors, run


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(work)


def work(
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=500, help="Turns at once; default: DUNWELL_WORKER_CONCURRENCY.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="So many workers on this machine.")] = 1,
) -> None:
    """Work on the queue and send, until told to stop (SIGTERM, Ctrl-C); then finish what runs and take nothing new.

    Any number of workers on any number of machines share one database; a killed one loses nothing.
    """
    if processes > 1:
        from server.supervisor import supervise  # noqa: PLC0415 - heavy: only when it runs

        words = ["work", *(["--concurrency", str(concurrency)] if concurrency else [])]
        settings = configuration.load()
        run(supervise({f"worker {n}": words for n in range(1, processes + 1)}, settings.worker_grace_seconds))
        return

    async def until_stopped() -> None:
        from server.health.metrics import exposed  # noqa: PLC0415 - heavy: only when it runs
        from server.jobs.run import Shift, told_to_stop  # noqa: PLC0415 - heavy: only when it runs
        from server.jobs.run import work as go_to_work  # noqa: PLC0415 - as above
        from server.providers import open_channels  # noqa: PLC0415 - as above
        from server.runtime import notifier_of, open_engine, terms_of  # noqa: PLC0415 - as above
        from server.waiting import until_up  # noqa: PLC0415 - as above

        settings = configuration.load()
        shift = Shift(concurrency or settings.worker_concurrency, settings.worker_grace_seconds)
        with told_to_stop() as stop, exposed(settings.metrics_host, settings.metrics_port):
            if not await until_up(settings, asyncio.ensure_future(stop.wait())):
                return
            async with open_engine(settings) as engine, open_channels(settings) as channels:
                errors.print(f"Working on {shift.concurrency} turns at once; Ctrl-C stops it.")
                await go_to_work(
                    engine,
                    channels,
                    terms=terms_of(settings),
                    shift=shift,
                    stop=stop,
                    notifier=notifier_of(settings),
                )

    run(until_stopped())
    sys.stderr.flush()
