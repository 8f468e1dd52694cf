"""The history of a run: what was asked of the service, what it acknowledged, and what was done to it."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Said:
    """A customer's message, delivered again and again until it is acknowledged; `deliveries` counts them."""

    sid: str
    customer_id: str
    body: str
    at_once: bool = False  # answered in the server's own process, past the queue and its order
    deliveries: int = 0
    first_at: float = 0.0  # when it was first delivered, and when that was acknowledged; None: never
    acknowledged_at: float | None = None

    @property
    def acknowledged(self) -> bool:
        """The service said that it has it."""
        return self.acknowledged_at is not None


@dataclass(slots=True)
class Click:
    """A reviewer's click. `answer` is what they were told: the approval's state, the name of an error, or nothing at all."""

    approval_id: str
    digest: str
    decision: str
    user: str
    role: str
    limit_minor: int
    answer: str | None = None
    took_effect: bool = False


@dataclass(slots=True)
class Paid:
    """A payment that arrived in the ledger."""

    customer_id: str
    invoice_id: str
    minor: int


@dataclass(slots=True)
class Killed:
    """A process that was ended with SIGKILL: where, if it was at a failpoint."""

    role: str
    point: str | None


@dataclass(slots=True)
class History:
    """One run, as its clients and its nemesis saw it. Times are the Unix time of the machine."""

    said: list[Said] = field(default_factory=list)
    clicks: list[Click] = field(default_factory=list)
    owed: dict[str, int] = field(default_factory=dict)  # the balance of each invoice when the run began
    paid: list[Paid] = field(default_factory=list)
    killed: list[Killed] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)  # seconds from a restart to the lost turns' commit
    unfinished: dict[str, int] = field(default_factory=dict)  # what was still to do when the run was ended
    unexpected: list[str] = field(
        default_factory=list
    )  # answers of the server that no client should ever get

    def as_json(self) -> dict[str, Any]:
        """For the file that is kept of a run with violations."""
        return asdict(self)
