"""Failpoints: named places where the chaos harness may end, delay or fail this process. Nothing happens unless armed."""

from collections.abc import Callable

Action = Callable[[str], None]
_armed: Action | None = None


def arm(action: Action | None) -> None:
    """Call `action` with the name of every failpoint that is reached from now on; None disarms. For the harness only."""
    global _armed  # noqa: PLW0603 - one process has one harness, and an unarmed point must cost one comparison
    _armed = action


def reach(name: str) -> None:
    """The program is at the place `name`; names are `<part>.<moment>`, for example `commit.before`."""
    if _armed is not None:
        _armed(name)
