"""Keywords: the single words with which a carrier lets a customer stop, come back or ask for help.

A keyword is the whole message, in any case. The words are those of Twilio's default handling on long codes and toll-free
numbers (channels.md 1.5), which other carriers share, and their Spanish counterparts. "STOP PLEASE" is none: wishes in
free words are found by what reads the conversation.
"""

import re
from typing import Literal

Keyword = Literal["STOP", "START", "HELP"]
_STOP = frozenset(["stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"])
_WORDS: dict[str, Keyword] = {
    **dict.fromkeys(_STOP | frozenset(["alto", "parar", "baja"]), "STOP"),
    **dict.fromkeys(["start", "unstop"], "START"),
    **dict.fromkeys(["help", "info", "ayuda"], "HELP"),
}
_YES = frozenset(["yes", "si"])
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")


def keyword(text: str, *, opted_out: bool = False) -> Keyword | None:
    """The keyword that `text` is, or None.

    A carrier takes "yes" for a wish to come back; it is also how people accept an offer. It counts as START only from
    somebody who is `opted_out`.
    """
    word = _EDGES.sub("", text).casefold().replace("í", "i")
    if word in _YES:
        return "START" if opted_out else None
    return _WORDS.get(word)


def carrier_answers(text: str) -> bool:
    """Whether Twilio's default handling answers this text by itself: then a second confirmation would be one too many.

    It takes the whole message for the word, with no sign beside it. HELP is left to us: not every sender answers it.
    """
    word = text.strip().casefold()
    return word in _STOP or word in {"start", "unstop"}
