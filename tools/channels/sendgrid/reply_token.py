"""Signed tokens that name one of our messages: in the address that a reply goes to, and in its unsubscribe link.

A token is the signing key's name (one character) and, in base 32, the outbox row's number with 80 bits of HMAC-SHA256
over purpose, key name and number. It is short (the part of an address before the @ has 64 characters) and the same in
any case, which mail systems change. It says which message is answered; who answers is another question.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Literal

from tools.errors import Misconfigured

Purpose = Literal["reply", "unsubscribe"]

_MAC = 10  # bytes: nobody guesses that over a network
_KEY_BYTES = 32
_NUMBER = 8  # bytes of the largest row
_TOKEN = re.compile(r"[a-z0-9][a-z2-7]{18,29}", re.ASCII)
_KEY_NAME = re.compile(r"[a-z0-9]", re.ASCII)
_ADDRESS = re.compile(r"reply\+([a-z0-9]{1,40})@([a-z0-9.-]{1,253})", re.ASCII)


class Tokens:
    """Signs with the first key and reads what any of them signed: a new key is put in front, an old one kept for a while.

    `keys` are secrets of at least 32 bytes by a name of one letter or digit. Raises Misconfigured for anything else.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise Misconfigured("Reply addresses need a key to be signed with.")
        if not all(_KEY_NAME.fullmatch(name) and len(key) >= _KEY_BYTES for name, key in keys.items()):
            raise Misconfigured("A key of reply addresses has one small letter or digit as its name and at least 32 bytes.")  # fmt: skip
        self._keys = dict(keys)

    def sign(self, purpose: Purpose, row: int) -> str:
        """The token of outbox row `row` (positive): 19 to 30 small letters and digits."""
        name = next(iter(self._keys))
        number = row.to_bytes((row.bit_length() + 7) // 8)
        return name + _base32(number + self._mac(name, purpose, number))

    def read(self, purpose: Purpose, token: str) -> int | None:
        """The outbox row that a token in any case names; None for one that we did not sign for this purpose."""
        plain = token.lower() if token.isascii() else ""
        if not _TOKEN.fullmatch(plain) or plain[0] not in self._keys:
            return None
        signed = _bytes(plain[1:])
        if signed is None or not _MAC < len(signed) <= _MAC + _NUMBER:
            return None
        number, mac = signed[:-_MAC], signed[-_MAC:]
        if not hmac.compare_digest(mac, self._mac(plain[0], purpose, number)):
            return None
        return int.from_bytes(number)

    def reply_address(self, row: int, host: str) -> str:
        """Where a reply to outbox row `row` goes; `host` is the one whose mail SendGrid parses for us."""
        return f"reply+{self.sign('reply', row)}@{host}"

    def answered(self, recipients: Iterable[str], host: str) -> int | None:
        """The row that a mail to these addresses answers (`envelope.to`); None where they name none, or several."""
        found = {row for address in recipients if (row := self._row(address, host)) is not None}
        return found.pop() if len(found) == 1 else None

    def _row(self, address: str, host: str) -> int | None:
        parts = _ADDRESS.fullmatch(address.strip().lower()) if address.isascii() else None
        if parts is None or parts[2] != host.lower():
            return None
        return self.read("reply", parts[1])

    def _mac(self, name: str, purpose: Purpose, number: bytes) -> bytes:
        signed = b"\0".join((b"dunwell", purpose.encode(), name.encode(), number))
        return hmac.digest(self._keys[name], signed, hashlib.sha256)[:_MAC]


def _base32(value: bytes) -> str:
    return base64.b32encode(value).decode().rstrip("=").lower()


def _bytes(text: str) -> bytes | None:
    """What `_base32` made this text of; None where it made it of nothing (spare bits, a length that does not occur)."""
    try:
        value = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except ValueError:
        return None
    return value if _base32(value) == text else None
