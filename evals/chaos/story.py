"""The generator: a seeded story of customers, reviewers, payments, clocks and providers, the same for the same seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from evals.providers import Fault

CUSTOMERS = 6
_TEXTS = (
    "How much do I owe?",
    "What is my balance, please?",
    "I will pay 100 dollars on Friday.",
    "Can I pay this in three parts?",
    "I paid this last week already.",
    "The amount is wrong, the work was never finished.",
    "Please call me, I want to talk to a person.",
    "Can you send me the invoice again?",
)
_STOPS = ("STOP", "Please stop texting me.", "unsubscribe")
_FAULTS: tuple[Fault, ...] = (
    "slow", "silent_before", "silent_after", "error_before", "error_after", "busy", "rejects", "closes_before",
    "closes_after", "twice",
)  # fmt: skip
Reviewer = Literal["carla", "mona", "milo"]


@dataclass(frozen=True, slots=True)
class Say:
    """A customer writes; `at_once`: by the way that answers in the server's own process, not by the webhook's."""

    sid: str
    customer_id: str
    body: str
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Review:
    """Reviewers look at what waits: each of `words` clicks once on every approval, all at the same time."""

    words: Sequence[tuple[Reviewer, Literal["approve", "reject"]]]


@dataclass(frozen=True, slots=True)
class Pay:
    """The newest invoice of a customer is paid in full, as an import tells it."""

    customer_id: str


@dataclass(frozen=True, slots=True)
class Unverify:
    """The ledger no longer calls a customer's contact points verified."""

    customer_id: str


@dataclass(frozen=True, slots=True)
class ClockStep:
    """The clock of every process jumps by so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Misbehave:
    """The provider's faults from now on, each with its probability."""

    faults: dict[Fault, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resolve:
    """A collector resolves what the sender gave up on, after a look into the provider's own records."""


Act = Say | Review | Pay | Unverify | ClockStep | Misbehave | Resolve


@dataclass(frozen=True, slots=True)
class Story:
    """A run: what happens at which second after its begin, how many workers there are, whether the provider can be asked."""

    acts: Sequence[tuple[float, Act]]
    workers: int
    provider_can_say: bool
    clock_error: float  # seconds by which a clock jumped in the end


def story(seed: int, *, seconds: float = 2.5, rejects: float = 0.0) -> Story:
    """The story of `seed`: it begins at 7:40 in the customers' morning, when nothing but answers may leave yet.

    `rejects`: how often, besides its other faults, the provider says that it never will.
    """
    dice = random.Random(seed)
    # They never end, so what comes to rest does so in spite of them; with more of them the channel's breaker would open.
    faults = dict.fromkeys(dice.sample(_FAULTS, 4), 0.09) | ({"rejects": rejects} if rejects else {})
    customers = [f"c{n}" for n in range(1, CUSTOMERS + 1)]
    acts: list[tuple[float, Act]] = [(0.0, Misbehave(faults))]
    quiet, payer, *unverified = dice.sample(customers, 4)
    for n in range(CUSTOMERS + dice.randrange(6)):
        customer = customers[n % CUSTOMERS]
        say = Say(f"sid-{n}", customer, dice.choice(_TEXTS), at_once=dice.random() < 0.25)
        acts += [(dice.uniform(0, 0.7) * seconds, say)] * dice.choice((1, 1, 2))
    for n in range(5):  # one customer writes faster than anybody answers
        acts.append((0.3 * seconds + n * 0.08, Say(f"quick-{n}", customers[seed % CUSTOMERS], _TEXTS[n])))
    acts.append((dice.uniform(0.2, 0.8) * seconds, Say("stop", quiet, dice.choice(_STOPS))))
    acts.append((dice.uniform(0.1, 0.6) * seconds, Pay(payer)))
    # From 8 o'clock on reminders leave, too; those to `unverified` may not any more.
    acts += [(0.5 * seconds, Unverify(customer)) for customer in unverified]
    acts.append((0.55 * seconds, ClockStep(25 * 60)))
    error = dice.choice((-3600.0, 3600.0))
    acts.append((dice.uniform(0.7, 0.9) * seconds, ClockStep(error)))
    words = [(who, dice.choice(("approve", "approve", "approve", "reject"))) for who in ("mona", "milo", "carla", "mona")]  # fmt: skip
    for part in (0.6, 1.0):
        acts.append((part * seconds, Review(words)))  # type: ignore[arg-type]  # choice() forgets that these are literals
    acts.append((0.9 * seconds, Resolve()))
    return Story(
        tuple(sorted(acts, key=lambda act: act[0])),
        workers=1 + seed % 2,
        provider_can_say=dice.random() < 0.6,
        clock_error=error,
    )
