"""Header lines: bounded as they are parsed, decoded here, never raising."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.policy import Compat32
from email.utils import getaddresses, parsedate_to_datetime

from typing_extensions import override

from tools.channels.mail.charset import decode
from tools.channels.mail.model import Address

_LONGEST = 8_000  # characters of one header: the standard library's parsers take quadratic time
_WORDS = re.compile(r"(=\?[^?\s]{1,60}\?[bBqQ]\?[^?\n]*\?=(?:\s+=\?[^?\s]{1,60}\?[bBqQ]\?[^?\n]*\?=)*)")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")


class BoundedPolicy(Compat32):
    """Headers stay what they are, raw, and are cut where they are longer than anybody needs."""

    @override
    def header_source_parse(self, sourcelines: Sequence[str]) -> tuple[str, str]:
        """The name and the raw value, folded lines in one."""
        name, value = sourcelines[0].split(":", 1)
        lines = [value.lstrip(" \t"), *sourcelines[1:101]]
        return name, " ".join("".join(lines)[:_LONGEST].splitlines())

    @override
    def header_fetch_parse(self, name: str, value: str) -> str:
        """The raw value: 8-bit bytes stay escaped until `header` reads them."""
        return value


Part = Message


def raw(part: Part, name: str) -> list[str]:
    """Every such header with its 8-bit bytes read as text, encoded words still encoded."""
    return [plain(value) for value in part.get_all(name, [])]


def header(part: Part, name: str) -> str:
    """The first such header in plain words: unfolded, decoded (RFC 2047), one line; empty when there is none."""
    return decode_words(next(iter(raw(part, name)), ""))


def plain(value: str) -> str:
    """Raw 8-bit bytes in a header, which the standard forbids and senders write, as text."""
    return decode(value.encode("utf-8", "surrogateescape"), None)[0]


def decode_words(value: str) -> str:
    """RFC 2047 encoded words as text on one line; what is broken stays as it stands."""
    pieces = _WORDS.split(value)
    for index in range(1, len(pieces), 2):
        try:
            pieces[index] = "".join(
                word if isinstance(word, str) else decode(word, label)[0]
                for word, label in decode_header(pieces[index])
            )
        except (HeaderParseError, ValueError):
            continue
    return " ".join("".join(pieces).split())


def addresses(values: Sequence[str]) -> tuple[Address, ...]:
    """The addresses that can be read as such, at most a hundred."""
    # Comments in comments are read by recursion.
    found = getaddresses([value.replace("\n", " ") for value in values[:20] if value.count("(") < 50])
    return tuple(Address(address, decode_words(name)) for name, address in found if _is_address(address))[
        :100
    ]


def sender(values: Sequence[str]) -> Address | None:
    """Who the From line names; None where it names nobody, or where two readers could name two different people."""
    if len(values) != 1:
        return None
    value = decode_words(values[0]) if "<" not in values[0] and "=?" in values[0] else values[0]
    found = addresses([value])
    if len({each.address.lower() for each in found}) == 1:
        return found[-1] if "<" in value else found[0]
    name, _, rest = value.partition("<")
    address = rest.rstrip().removesuffix(">")
    # Not allowed but common: an address as the name, unquoted, before the address.
    return (
        Address(address, decode_words(name))
        if _is_address(address) and not set(name) & set(',;()"')
        else None
    )


def _is_address(address: str) -> bool:
    local, at, domain = address.partition("@")
    return (
        bool(local and at and domain)
        and not re.search(r"[\s<>()\[\],;:\"@\\]", local + domain)
        and len(address) <= 320
    )


def message_ids(values: Sequence[str]) -> tuple[str, ...]:
    """Message-IDs in angle brackets, in their order, the last hundred; a bare one gets its brackets."""
    found = [each for value in values[:20] for each in _MESSAGE_ID.findall(value) or _bare(value)]
    return tuple(found[-100:])


def _bare(value: str) -> list[str]:
    value = value.strip()
    return [f"<{value}>"] if re.fullmatch(r"[^<>\s@]{1,400}@[^<>\s@]{1,400}", value) else []


def date(value: str) -> datetime | None:
    """An aware time, or None where there is none that can be read; "-0000" is UTC."""
    try:
        at = parsedate_to_datetime(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
