"""What Twilio's error codes ask of us, read from `codes.toml`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

ErrorClass = Literal[
    "suppress",  # the person wants no texts: none until they opt in again
    "bad_address",  # this number gets no texts
    "retry_later",  # not delivered; another message may get through later
    "not_taken",  # never accepted: the same message may be handed over again
    "filtered",  # the wording, the sender or its registration is objected to: a person has to look
    "account",  # our account, key, sender or settings: a person has to change them
    "bad_message",  # this text cannot be sent by anybody
    "unknown",  # Twilio has said nothing yet of what this code means to us
]


@dataclass(frozen=True, slots=True)
class Meaning:
    """One code: its class, and what happened in words of ours, which name no address and quote no text."""

    code: str
    kind: ErrorClass
    words: str


def _read() -> dict[str, Meaning]:
    table = tomllib.loads(Path(__file__).with_name("codes.toml").read_text("utf-8"))
    if strange := set(table) - set(get_args(ErrorClass)):
        raise ValueError(f"codes.toml has unknown classes: {', '.join(sorted(strange))}")
    pairs = [
        (code, Meaning(code, cast(ErrorClass, kind), words))
        for kind, codes in table.items()
        for code, words in codes.items()
    ]
    if len(pairs) != len(dict(pairs)):
        raise ValueError("codes.toml has a code in two classes")
    return dict(pairs)


CODES = _read()


def meaning(code: int | str) -> Meaning:
    """What a code asks of us, of a refused request or of a status callback; an unlisted one is `unknown`."""
    known = CODES.get(str(code))
    if known is None:
        name = str(code) if str(code).isascii() and str(code).isdecimal() and len(str(code)) <= 6 else "?"
        return Meaning(name, "unknown", "Twilio refused it for another reason")
    return known
