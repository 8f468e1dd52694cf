"""How many segments an SMS takes (3GPP TS 23.038, Twilio's limits), and the typography that would waste them."""

import re
import unicodedata

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # an escape and the character: two places
_GSM7 = _BASIC | _EXTENDED
_TYPOGRAPHY = (  # what takes its place, and the characters whose place it takes
    ("'", "‘’‚‛′`´‹›"),
    ('"', "“”„″«»"),
    ("-", "‐‑‒–—―−•·"),
    ("...", "…"),
)
_PLAIN = str.maketrans({char: plain for plain, chars in _TYPOGRAPHY for char in chars})
_TYPOGRAPHIC = re.compile(f"[{re.escape(''.join(chars for _, chars in _TYPOGRAPHY))}]")
_SPACE = re.compile(r"[^\S\n]")
MAX_SEGMENTS = 3


def visible(text: str) -> str:
    """`text` without control and invisible characters, which could only hide something from a reader."""
    text = text.replace("\t", " ")
    if text.replace("\n", "").isprintable():
        return (
            text  # nearly every text: what Python calls printable holds no character of the categories below
        )
    return "".join(char for char in text if char == "\n" or _is_visible(char))


def _is_visible(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cs", "Cn")


def sms_text(text: str) -> str:
    """`text` as it should leave by SMS: typographic characters made plain, so that they do not cost a segment.

    Accents stay where the text fits; only where it would not are letters that GSM-7 lacks (á, í, ó, ú) made plain too.
    """
    # Most texts have no typography, and what GSM-7 holds stays as it is: nearly every one takes both short ways.
    plain = _SPACE.sub(" ", text.translate(_PLAIN) if _TYPOGRAPHIC.search(text) else text)
    if _GSM7.issuperset(plain):
        return plain
    return plain if segments(plain) <= MAX_SEGMENTS else "".join(_plain_letter(char) for char in plain)


def segments(text: str) -> int:
    """Segments of an SMS: GSM-7 in 160 or 153 places, otherwise UCS-2 in 70 or 67; no character is cut in two."""
    if _BASIC.issuperset(text):
        return 1 if len(text) <= 160 else -(-len(text) // 153)
    if _GSM7.issuperset(text):
        return _pack([2 if char in _EXTENDED else 1 for char in text], single=160, part=153)
    return _pack([2 if ord(char) > 0xFFFF else 1 for char in text], single=70, part=67)


def _pack(places: list[int], *, single: int, part: int) -> int:
    if sum(places) <= single:
        return 1
    count, used = 1, 0
    for place in places:
        if used + place > part:
            count, used = count + 1, 0
        used += place
    return count


def _plain_letter(char: str) -> str:
    if char in _GSM7:
        return char
    spelled = "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))
    return spelled if spelled and all(part in _BASIC for part in spelled) else char
