"""The local channel: no account, no network. What is sent stays in our tables, visible by CLI and API."""

from datetime import timedelta

from typing_extensions import override

from tools.channels.base import Channel, Outbound, Receipt


class LocalChannel(Channel):
    """Takes every message and says that it was delivered: the screen is the phone."""

    settling = timedelta(0)  # nothing is on its way anywhere

    @override
    async def send(self, message: Outbound) -> Receipt:
        """The receipt names our own key."""
        return Receipt(f"local-{message.key}", delivered=True)

    @override
    async def find(self, message: Outbound) -> Receipt | None:
        """None: what was not settled was never shown to anybody."""
        return None
