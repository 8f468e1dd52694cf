"""The fake SendGrid as a process of its own: `python -m evals.providers.sendgrid PORT RECORD [EVENTS_URL [INBOUND_URL]]`.

It prints the verification key of its webhooks, which is the same for every fake of one seed.
"""

import asyncio
import sys
from pathlib import Path

from evals.providers.sendgrid import FakeSendGrid, Mails, Webhooks


async def _serve(port: int, record: Path, events: str | None, inbound: str | None) -> None:
    webhooks = Webhooks()
    async with FakeSendGrid(Mails(record), webhooks, port=port, events=events, inbound=inbound):
        print(webhooks.public_key, flush=True)  # noqa: T201 - what the service has to be started with
        await asyncio.Event().wait()


if __name__ == "__main__":
    given = [*sys.argv[3:5], None, None]
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2]), given[0], given[1]))
