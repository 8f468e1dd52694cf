"""The local channel: no account, no network. What is sent stays in our tables, visible by CLI and API."""

from typing_extensions import override

from tools.channels.base import Channel, Outbound, Receipt


class LocalChannel(Channel):
    """Takes every message and says that it was delivered: the screen is the phone."""

    @override
    async def send(self, message: Outbound) -> Receipt:
        """The receipt names our own key."""
        return Receipt(f"local-{message.key}", delivered=True)
