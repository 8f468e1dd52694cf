"""`python -m evals.foreign --model offline --port 8100`: the default LangGraph stack, ready to be played against."""

import asyncio
import errno
import json
import signal
import sys
from enum import StrEnum
from typing import Annotated

import typer

from evals.bench.place import Place, own_place
from evals.foreign.langgraph_default import default_stack
from evals.foreign.protocol import schema
from evals.scenarios.minds import Mind, Obedient, offline


class Model(StrEnum):
    """Who thinks."""

    OFFLINE = "offline"
    HOSTILE = "hostile"


async def _serve(place: Place, mind: Mind, port: int) -> None:
    """Until somebody says that it is enough, so that the database's server does not outlive it."""
    enough = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, enough.set)
    async with default_stack(place, mind, port=port) as url:
        typer.echo(f"The default LangGraph stack with the {mind.name} model is played at {url}")
        await enough.wait()


def main(
    model: Annotated[Model, typer.Option(help="Who thinks.")] = Model.OFFLINE,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Where to listen, on this machine only.")
    ] = 8100,
    seed: Annotated[int, typer.Option(help="Of the hostile model's calls.")] = 7,
    *,
    print_schema: Annotated[
        bool, typer.Option("--schema", help="Print the protocol's JSON Schema instead.")
    ] = False,
) -> None:
    """Serve the default LangGraph stack as a foreign agent until Ctrl-C."""
    if print_schema:
        typer.echo(json.dumps(schema(), indent=2, ensure_ascii=False))
        return
    try:
        with own_place() as place:
            asyncio.run(_serve(place, offline() if model is Model.OFFLINE else Obedient(seed), port))
    except OSError as wrong:
        why = "something else uses it" if wrong.errno == errno.EADDRINUSE else str(wrong)
        typer.echo(f"Port {port} cannot be used: {why}.", err=True)
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
