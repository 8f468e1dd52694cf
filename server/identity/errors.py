"""Why somebody does not get in."""

from datetime import timedelta
from math import ceil

from tools.errors import CollectionsError, Forbidden


class Unauthenticated(CollectionsError):
    """No key and no session, or none that we gave out."""

    status = 401


class PasswordMustChange(Forbidden):
    """The password is right, and a one-time one."""


class TooManyRequests(CollectionsError):
    """Too much from this caller at once, or too many wrong passwords for this name."""

    status = 429
    retryable = True

    def __init__(self, what: str, wait: timedelta) -> None:
        self.retry_after = max(1, ceil(wait.total_seconds()))
        super().__init__(f"{what} Try again in {self.retry_after} seconds.")
