"""What the policy can say about one action, and the facts it says it on. Frozen values, no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from tools.dunning.draft import Draft
from tools.ledger.model import Account, Tier
from tools.spec import Action

Role = Literal["viewer", "collector", "manager", "admin"]
ROLES: tuple[Role, ...] = (
    "viewer",
    "collector",
    "manager",
    "admin",
)  # ascending: a later one may do what an earlier may


def with_article(role: str) -> str:
    """The role as a sentence has it: a manager, an admin."""
    return f"an {role}" if role[:1] in "aeiou" else f"a {role}"


TriggerKind = Literal["inbound", "ladder", "follow_up", "ledger", "redraft", "request"]
AGENT = "agent"  # the proposer when no person is


@dataclass(frozen=True, slots=True)
class Allow:
    """It happens, now or at `not_before`."""

    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A person with this role, or a higher one, must approve this exact action."""

    role: Role


@dataclass(frozen=True, slots=True)
class Refuse:
    """It does not happen. `reason` is one sentence that the proposer can act on."""

    reason: str


@dataclass(frozen=True, slots=True)
class Suggest:
    """Mode `observe`: recorded with its reasons, nothing happens."""


Verdict = Allow | Ask | Refuse | Suggest


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule said: its id, its verdict and one sentence why."""

    rule: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """The strictest of all findings, with every finding that led there."""

    verdict: Verdict
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Inbound:
    """The customer's message that this episode answers."""

    message_id: int
    channel: Literal["email", "sms", "portal"]
    contact_id: str | None  # None: the sender is on no contact point of this customer
    identity_matches: bool  # the contact point is on this customer only, and not suppressed as a wrong party
    signals: frozenset[str]  # stops that code found in its words: dispute, opt_out, opt_out_elsewhere, ...
    body: str
    replies: int = (
        0  # automated replies to it that were sent or queued before this episode; at dispatch without our own
    )
    at: datetime | None = None  # when it arrived; None: not known, so a reply keeps to the hours of contact


@dataclass(frozen=True, slots=True)
class Risk:
    """The customer's tier and the probability behind it (None when unscored)."""

    tier: Tier
    probability: float | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a rule may look at. Whoever judges has read it in one transaction."""

    account: Account
    risk: Risk
    trigger: TriggerKind
    now: datetime
    zone_key: str  # the company's IANA time zone, one candidate for the customer's
    ladder_step: str | None = None
    inbound: Inbound | None = None
    proposer: str = AGENT  # AGENT, or the name of the user who proposed it (an edit, a request)
    draft: Draft | None = None  # the action's message as it would be sent, where the action is a message
    draft_problem: str | None = None  # why it could not be drafted, where it could not
    staged: Sequence[Action] = field(default=())  # actions of this episode that are already allowed
    outbox_id: int | None = (
        None  # at dispatch: the row that is about to leave; its own touch and step do not count
    )
    pays_by_mail: bool = False  # a promise then stops dunning for the policy's float days longer
    zones: Sequence[str] | None = (
        None  # candidate zones, where they are known already (a replay); None: worked out
    )


@dataclass(frozen=True, slots=True)
class Approver:
    """Who approved: checked against the role and amount that the action needs, and against its proposer.

    `first` is who agreed before, where two people have to.
    """

    name: str
    role: Role
    limit_minor: int
    first: str | None = None
