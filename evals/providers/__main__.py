"""The stand-in provider as a process of its own: `python -m evals.providers PORT RECORD`."""

import asyncio
import sys
from pathlib import Path

from evals.providers.stand_in import StandIn


async def _serve(port: int, record: Path) -> None:
    async with StandIn(port=port, record=record):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
