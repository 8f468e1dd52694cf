"""Fate: what becomes of each call of a provider, and what the provider says became of it."""

from dataclasses import dataclass, field

from evals.providers import Accepted
from tests.server.providers import Provider
from tools.channels.base import NotTaken, Outbound, Rejected
from tools.errors import Unavailable


@dataclass(slots=True)
class Fate:
    """`ahead` is what becomes of the next calls, one of `words.FATES` each; after them all is well."""

    ahead: list[str] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    _latest: dict[str, str] = field(default_factory=dict)  # by key: calls run side by side

    def provider(self) -> Provider:
        """A provider that this happens to."""
        return Provider(loses=self._loses, fails=self._fails)

    def _loses(self, sent: Outbound) -> bool:
        fate = self._latest[sent.key] = self.ahead.pop(0) if self.ahead else "sent"
        if fate not in ("sent", "unanswered"):
            return True
        # The checker finds this, too, but only when the machine is at rest.
        assert all(one.key != sent.key for one in self.accepted), f"{sent.key} is accepted twice"
        self.accepted.append(Accepted(sent.key, f"sm-{sent.key}", 0.0, sent.channel, len(self.accepted)))
        return False

    def _fails(self, sent: Outbound) -> Exception | None:
        return {
            "lost": Unavailable("no answer"), "unanswered": Unavailable("no answer"), "busy": NotTaken("busy"),
            "rejected": Rejected("21211", "not a number"),
        }.get(self._latest[sent.key])  # fmt: skip
