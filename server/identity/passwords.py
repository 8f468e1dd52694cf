"""Passwords: argon2id, at a strength that a person can live with and a guesser cannot."""

import asyncio
import re
import secrets
from collections.abc import Collection

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from tools.errors import Invalid

_SHORTEST, _LONGEST = 12, 256
_STRONG = 3  # of 0 to 4: not to be found in 10**8 guesses (zxcvbn)
_PRODUCT = "dunwell"
_NAME_PARTS = re.compile(r"[\W_\d]+")
_NAME_PART = 3  # letters; shorter ones stand in half of all words
_LOOKED_AT = 72  # zxcvbn takes no more at once
# OWASP's minimum for argon2id (Password Storage Cheat Sheet): 19 MiB and two passes. One is some 25 ms of a core.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Somebody's password whom nobody is: what is given for an unknown name is checked against it, and takes as long.
_NOBODYS = _HASHER.hash(secrets.token_urlsafe(32))
_AT_ONCE = 2  # a flood of logins takes two threads and 40 MiB, not everything


class Checker:
    """Hashes and checks passwords beside the event loop, so many at once and no more."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def matches(self, password: str, stored: str | None) -> bool:
        """Whether this is the password; where none is stored, no after the same work."""
        async with self._turns:
            same = await asyncio.to_thread(_verify, password, stored or _NOBODYS)
        return same and stored is not None

    async def hash(self, password: str) -> str:
        """What we keep of a password."""
        async with self._turns:
            return await asyncio.to_thread(_HASHER.hash, password)


def is_outdated(stored: str) -> bool:
    """Whether it was hashed with less than we ask for today."""
    return _HASHER.check_needs_rehash(stored)


def _verify(password: str, stored: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except VerifyMismatchError:
        return False


def one_time_password() -> str:
    """100 random bits, for one login."""
    return secrets.token_hex(13)


def _without(text: str, parts: Collection[str]) -> str:
    """The text without these parts, the longest first, and without what is left of them when others are gone."""
    before = None
    while before != text:
        before = text
        for part in sorted(parts, key=len, reverse=True):
            text = text.replace(part, "")
    return text


def assert_strong(password: str, *, about: tuple[str, ...]) -> None:
    """Raises Invalid for a short or a common password, or one that is so without what is known `about` its user."""
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise Invalid(f"A password has {_SHORTEST} to {_LONGEST} characters.")
    known = [*about, *_NAME_PARTS.split(" ".join(about)), _PRODUCT]
    # Padded names score high: a guesser who knows whose password it is begins with them.
    rest = _without(password.casefold(), {part.casefold() for part in known if len(part) >= _NAME_PART})
    if len(rest) < _SHORTEST:
        raise Invalid(f"Besides the user's name and ours, a password has at least {_SHORTEST} characters.")
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its lists take 40 ms, and are asked when a password changes

    if any(zxcvbn(one[:_LOOKED_AT], user_inputs=known)["score"] < _STRONG for one in (password, rest)):
        raise Invalid(
            "That password would be guessed: take four words that have nothing to do with each other."
        )
