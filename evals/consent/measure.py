"""Recall and false alarms per signal, with their uncertainty, and what keyword filters would do with the same messages.

`messages.jsonl` is ours: two sets of authors (an id's letters name them), the lexicon was tuned and the classifier
trained on it, and it must meet the targets. `lessons.jsonl` is messages of further authors: learned from by both and not
counted. `fresh.jsonl` is by authors who had seen the policy but no rule and no lexicon; it is run after the tuning is over
and nothing is changed for it, so its column is what to expect of messages that nobody has read before. `round1.toml` keeps
the figures of the first fresh set, which has been learned from since.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import resources
from math import sqrt
from typing import Any

from agent.signals import detect
from agent.signals.reading import fold

SIGNALS = (
    "opt_out", "wrong_party", "deceased", "self_harm", "representation", "fraud_claim", "threat", "dispute",
    "payment_claim", "hardship", "complaint", "asked_for_person",
)  # fmt: skip
SAFETY = ("deceased", "self_harm", "representation", "fraud_claim", "wrong_party")
KEYWORDS, PLAIN = "opt_out in keywords", "opt_out in plain words"
RECALL = {KEYWORDS: 0.99, PLAIN: 0.95} | dict.fromkeys(SAFETY, 0.95)
MOST_FALSE_ALARMS = 0.02

Finder = Callable[[str], set[str]]


@dataclass(frozen=True, slots=True)
class Message:
    """One labelled message; `signals` empty: a hard negative or nothing special."""

    id: str
    language: str
    channel: str
    text: str
    signals: Sequence[str]
    keyword_opt_out: bool


def wilson(value: float, n: int) -> tuple[float, float]:
    """Wilson's interval at 95 % of the share `value` of `n`; of nothing, everything is possible.

    Of a mean of values between 0 and 1, which spread less than yes and no do, it is wide enough as well.
    """
    if not n:
        return 0.0, 1.0
    z = 1.959964
    centre = value + z * z / (2 * n)
    spread = z * sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `n` with the Wilson 95 % interval, and the ids of what failed."""

    hits: int
    n: int
    failing: Sequence[str] = field(default=())

    @property
    def value(self) -> float:
        """The share itself; of nothing, 0."""
        return self.hits / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval at 95 %; of nothing, everything is possible."""
        return wilson(self.value, self.n)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        low, high = self.interval
        share = {"share": round(self.value, 4), "low": round(low, 4), "high": round(high, 4)}
        return asdict(self) | share


@dataclass(frozen=True, slots=True)
class Column:
    """One file's figures. `recall` also holds the two kinds of opt-out; `false_alarms` is by signal."""

    name: str
    n: int
    negatives: int
    digest: str
    recall: Mapping[str, Share]
    false_alarms: Mapping[str, Share]
    alarms_on_negatives: Share  # any signal where there is none
    baselines: Mapping[str, Mapping[str, Share]]

    def below_target(self) -> list[str]:
        """Every target that is missed, in words."""
        missed = [
            f"{name}: recall {self.recall[name].value:.1%}, target {least:.0%}"
            for name, least in RECALL.items()
            if self.recall[name].value < least
        ]
        return missed + [
            f"{name}: {alarms.value:.1%} false alarms, at most {MOST_FALSE_ALARMS:.0%}"
            for name, alarms in self.false_alarms.items()
            if alarms.value > MOST_FALSE_ALARMS
        ]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "n": self.n,
            "negatives": self.negatives,
            "sha256": self.digest,
            "recall": {name: share.as_json() for name, share in self.recall.items()},
            "false_alarms": {name: share.as_json() for name, share in self.false_alarms.items()},
            "alarms_on_negatives": self.alarms_on_negatives.as_json(),
            "baselines": {
                name: {what: share.as_json() for what, share in shares.items()}
                for name, shares in self.baselines.items()
            },
            "below_target": self.below_target(),
        }


def names(text: str) -> set[str]:
    """The signals of `text` by the names that the labels use."""
    return {
        found.detail or found.kind if found.kind == "escalation" else found.kind for found in detect(text)
    }


def read(text: str) -> list[Message]:
    """The messages of a file. Raises KeyError on a label that is no signal."""
    messages = [Message(**json.loads(line)) for line in text.splitlines() if line.strip()]
    unknown = {signal for message in messages for signal in message.signals} - set(SIGNALS)
    if unknown:
        raise KeyError(f"no signals: {', '.join(sorted(unknown))}")
    return messages


def measure(name: str, text: str, find: Finder = names) -> Column:
    """The column of one file."""
    messages = read(text)
    found = {message.id: find(message.text) for message in messages}
    opt_outs = [message for message in messages if "opt_out" in message.signals]
    kinds = {
        KEYWORDS: [message for message in opt_outs if message.keyword_opt_out],
        PLAIN: [message for message in opt_outs if not message.keyword_opt_out],
    }
    recall = {kind: _recall(said, "opt_out", found) for kind, said in kinds.items()}
    recall |= {
        signal: _recall([m for m in messages if signal in m.signals], signal, found) for signal in SIGNALS
    }
    negatives = [message for message in messages if not message.signals]
    alarmed = [message.id for message in negatives if found[message.id]]
    return Column(
        name=name,
        n=len(messages),
        negatives=len(negatives),
        digest=hashlib.sha256(text.encode()).hexdigest(),
        recall=recall,
        false_alarms={signal: _alarms(messages, signal, found) for signal in SIGNALS},
        alarms_on_negatives=Share(len(alarmed), len(negatives), alarmed),
        baselines={
            baseline: _baseline(kinds, negatives, messages, judge) for baseline, judge in _BASELINES.items()
        },
    )


def _recall(said: Sequence[Message], signal: str, found: Mapping[str, set[str]]) -> Share:
    missed = [message.id for message in said if signal not in found[message.id]]
    return Share(len(said) - len(missed), len(said), missed)


def _alarms(messages: Sequence[Message], signal: str, found: Mapping[str, set[str]]) -> Share:
    without = [message for message in messages if signal not in message.signals]
    raised = [message.id for message in without if signal in found[message.id]]
    return Share(len(raised), len(without), raised)


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", fold(text)))


def _keywords() -> Sequence[str]:
    data = tomllib.loads(resources.files("evals.consent").joinpath("keywords.toml").read_text("utf-8"))
    words: Sequence[str] = data["keywords"]
    return words


def _whole(text: str) -> bool:
    """The message is a keyword and nothing else: what carriers do."""
    return _words(text) in _keywords()


def _anywhere(text: str) -> bool:
    """A keyword stands somewhere in the message."""
    padded = f" {_words(text)} "
    return any(f" {word} " in padded for word in _keywords())


_BASELINES: Mapping[str, Callable[[str], bool]] = {
    "a keyword as the whole message": _whole,
    "a keyword anywhere": _anywhere,
}


def _baseline(
    kinds: Mapping[str, Sequence[Message]],
    negatives: Iterable[Message],
    messages: Iterable[Message],
    judge: Callable[[str], bool],
) -> Mapping[str, Share]:
    """What a keyword filter finds of the opt-outs, and what it takes for one."""
    shares = {kind: Share(sum(judge(m.text) for m in said), len(said)) for kind, said in kinds.items()}
    others = [message for message in messages if "opt_out" not in message.signals]
    none = list(negatives)
    return shares | {
        "false alarms": Share(sum(judge(m.text) for m in others), len(others)),
        "false alarms on messages without a signal": Share(sum(judge(m.text) for m in none), len(none)),
    }


def load(name: str) -> str | None:
    """A file of this folder; None where it is not there."""
    place = resources.files("evals.consent").joinpath(name)
    return place.read_text("utf-8") if place.is_file() else None


@dataclass(frozen=True, slots=True)
class Round:
    """A fresh set that was run once and has been learned from since: its figures as they were published."""

    published_on: str
    n: int
    recall: Mapping[str, Share]
    false_alarms: Mapping[str, Share]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "published_on": self.published_on,
            "n": self.n,
            "recall": {name: share.as_json() for name, share in self.recall.items()},
            "false_alarms": {name: share.as_json() for name, share in self.false_alarms.items()},
        }


def first_round() -> Round:
    """The figures of round1.toml."""
    data = tomllib.loads(resources.files("evals.consent").joinpath("round1.toml").read_text("utf-8"))
    shares = {
        part: {name: Share(*figures) for name, figures in data[part].items()}
        for part in ("recall", "false_alarms")
    }
    return Round(data["published_on"], data["n"], **shares)


def detection_digest() -> str:
    """What the figures belong to: a hash over the lexicon's files, the spelling and the classifier."""
    package = resources.files("agent.signals")
    lexicon = sorted(
        file.name for file in package.joinpath("lexicon").iterdir() if file.name.endswith(".toml")
    )
    names = [*(f"lexicon/{name}" for name in lexicon), "spelling.toml", "classifier.npz"]
    return hashlib.sha256(
        b"".join(name.encode() + package.joinpath(name).read_bytes() for name in names)
    ).hexdigest()
