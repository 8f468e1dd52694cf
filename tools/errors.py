"""Everything this service raises on purpose.

CollectionsError
├── NotFound            no such customer, invoice, episode, approval or user
├── Invalid             what was given cannot be read: a bad mapping, a bad answer, a bad file
├── Conflict            the world moved after the caller looked
│   ├── BalanceChanged
│   └── AlreadyDecided
├── Gone                it existed and can no longer be acted on: expired, withdrawn, superseded
├── Forbidden           this user may not do that
├── Refused             policy said no
├── Unavailable         a database, a model or a channel did not answer; worth retrying
└── Misconfigured       the installation is set up wrongly; a person must change a setting
"""

from typing import ClassVar


class CollectionsError(Exception):
    """Base class. `str(error)` is one sentence, safe to show to a model, an operator or an API client."""

    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False


class NotFound(CollectionsError):
    """No such thing, or not for this caller."""

    status = 404

    def __init__(self, what: str, identity: str) -> None:
        super().__init__(f"There is no {what} {identity!r}.")
        self.what, self.identity = what, identity


class Invalid(CollectionsError):
    """What was given cannot be read or makes no sense; nothing was done."""

    status = 422


class Conflict(CollectionsError):
    """The world moved after the caller looked."""

    status = 409


class BalanceChanged(Conflict):
    """Money moved after the agent or the approver read the balance."""


class AlreadyDecided(Conflict):
    """Somebody else decided, or is deciding, this approval."""


class Gone(CollectionsError):
    """It existed and can no longer be acted on."""

    status = 410


class Forbidden(CollectionsError):
    """This user may not do that: wrong role, above the limit, or their own proposal."""

    status = 403


class Refused(CollectionsError):
    """Policy said no; the message is the reason."""

    status = 422


class Unavailable(CollectionsError):
    """A database, a model or a channel did not answer."""

    status = 503
    retryable = True


class Misconfigured(CollectionsError):
    """A setting or the installation is wrong; the message says what to change."""
