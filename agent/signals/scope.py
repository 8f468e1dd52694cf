"""Which channel an opt-out means: the one that it came by, the other one, or all. In doubt the broader."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from agent.signals import phrases
from agent.signals.phrases import mask

_HERE = "here"
_OTHER = {"sms": "email", "email": "sms"}


@dataclass(slots=True)
class Channels:
    """What a message says of our channels. "here" is whatever channel it came by."""

    refused: set[str] = field(default_factory=set)  # by a word against it
    named: set[str] = field(default_factory=set)  # beside a wish to stop
    welcome: set[str] = field(default_factory=set)


def scope(said: Sequence[tuple[str, bool]], *, broad: bool, both: bool, channel: str | None) -> str:
    """The scope of a record: this_channel, sms, email or all.

    `said` is each sentence's plain words and whether they ask us to stop. `broad`: words that mean every channel.
    `both`: several channels are named in one sentence, which means them all unless one of them is welcome. Without
    the `channel` that the message came by nobody knows another one.
    """
    if broad or channel is None:
        return "all" if broad or both else "this_channel"
    found = _channels(said)
    welcome = found.welcome - found.refused  # asked for and refused in one message: refused
    kept = next(iter(welcome)) if len(welcome) == 1 else None
    if both and kept is None:
        return "all"
    # What is meant by no name is not what they ask us to use.
    here = _OTHER[kept] if kept in (channel, _OTHER.get(channel)) and kept is not None else channel
    unwanted = found.refused | {here if name == _HERE else name for name in found.named - welcome}
    if len(unwanted) > 1:
        return "all"
    meant = unwanted.pop() if unwanted else channel
    return "this_channel" if meant == channel else meant


def _channels(said: Sequence[tuple[str, bool]]) -> Channels:
    found = Channels()
    rules = phrases.load("agent.signals", "channels.toml").rules
    for plain, stops in said:
        left, refused, named = plain, set[str](), set[str]()
        for step, alike in groupby(rules, key=lambda rule: rule.name):
            hits = [rule for rule in alike if rule.phrases.search(left)]
            names = {str(rule.detail) for rule in hits}
            if step in ("sure", "welcome"):
                found.welcome |= names
            elif step in ("refused", "off"):
                refused |= names
            elif names - refused and not (step == "device" and refused | named):
                named |= {_HERE, *names}  # a mention: maybe that channel is meant, and maybe this one
            for rule in hits:
                left = mask(rule.phrases, left)
        if stops:
            found.refused |= refused
            found.named |= named if refused or named else {_HERE}
    return found
