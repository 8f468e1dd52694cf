"""Playing the customer: `dunwell say` goes through the same inbound path as a provider's webhook."""

from typing import Annotated, Any, Literal

import typer

from server import settings as configuration
from server.cli.ledger import show_thread
from server.cli.output import Json, answer, console, run
from tools.errors import Invalid, Misconfigured


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command()(say)


def say(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")],
    text: Annotated[str, typer.Argument(help="What the customer writes.")],
    channel: Annotated[
        Literal["sms", "email"] | None, typer.Option(help="On which channel; default: theirs.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Play the customer: store the message, let the assistant answer, and send what may leave."""

    async def work() -> dict[str, Any]:
        from server.conversation import hear  # noqa: PLC0415 - heavy: only the commands that think pay for it
        from server.providers import open_channels  # noqa: PLC0415 - as above
        from server.runtime import open_engine  # noqa: PLC0415 - as above

        if not text.strip():
            raise Invalid("There is nothing in the message.")
        settings = configuration.load()
        if settings.carriers:
            raise Misconfigured(
                "Playing the customer is for local channels: here the answer would really leave."
            )
        async with open_engine(settings) as engine, open_channels(settings) as channels:
            return await hear(engine, channels, customer_id=customer_id, body=text, channel_name=channel)

    def show(result: dict[str, Any]) -> None:
        for decision in result["decisions"]:
            console.print(
                f"  {decision['verdict']:<8} {decision['what']}: {decision['why']}", style="dim", markup=False
            )
        show_thread(result["timeline"][-4:])

    answer(run(work(), as_json=as_json), show, as_json=as_json)
