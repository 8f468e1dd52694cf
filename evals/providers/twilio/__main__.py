"""The fake Twilio as a process of its own: `python -m evals.providers.twilio PORT RECORD TOKEN [INBOUND_URL]`.

TOKEN is the auth token that its webhooks are signed with and that it asks for: one that was made up, never a real one.
"""

import asyncio
import sys
from pathlib import Path

from evals.providers.twilio import FakeTwilio, Webhooks
from evals.providers.twilio.messages import Messages


async def _serve(port: int, record: Path, token: str, inbound: str | None) -> None:
    async with FakeTwilio(Messages(record), Webhooks(token), port=port, inbound=inbound):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], next(iter(sys.argv[4:]), None)))
