"""Who signed a webhook: only Twilio, with the algorithm that this endpoint is pinned to.

A signature says where a form comes from, not that it is fresh (nothing signed carries a time: duplicates are found by
MessageSid) and not that its text is harmless.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlparse

from twilio.request_validator import (  # type: ignore[import-untyped]  # the SDK ships no py.typed
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

from tools.channels.twilio.webhook import Form

Algorithm = Literal["HMAC_SHA1", "HMAC_SHA256"]
__all__ = ["SIGNATURE_HEADER", "SIGNATURE_SETTINGS_HEADER", "Algorithm", "Keys", "is_signed", "public_url"]


@dataclass(frozen=True, slots=True)
class Keys:
    """What an endpoint's webhooks must be signed with.

    HMAC_SHA1: one of the account's auth tokens (two while they are rotated). HMAC_SHA256: one of the shared keys, by
    the id that the settings header names. Whatever the other algorithm signed is refused, so that a header that is
    stripped or forged cannot choose a weaker one.
    """

    algorithm: Algorithm
    auth_tokens: tuple[str, ...] = field(default=(), repr=False)
    shared: Mapping[str, str] = field(default_factory=dict, repr=False)


def public_url(base: str, raw_path: bytes, raw_query: bytes) -> str:
    """The URL that Twilio called: the configured public base, never a request's own idea of its host, and what was asked
    of it to the byte. `base` ends without a slash. Empty, which nobody signs, for a path that does not begin with one: it
    would name another port or host.
    """
    if not raw_path.startswith(b"/"):
        return ""
    target = raw_path + (b"?" + raw_query if raw_query else b"")
    return base + target.decode("latin-1")


def is_signed(url: str, form: Form, signature: str | None, settings: str | None, keys: Keys) -> bool:
    """Whether Twilio signed this form for this URL.

    `signature` and `settings` are the values of SIGNATURE_HEADER and SIGNATURE_SETTINGS_HEADER as they came. False for
    whatever is missing, garbled or of another algorithm; never an exception.
    """
    if not url or not signature or get_signature_algorithm(settings).upper() != keys.algorithm:
        return False
    try:
        # The SDK signs a URL as urlparse writes it again, so that `/text;` would pass for `/text`.
        return urlparse(url).geturl() == url and any(
            RequestValidator(secret).validate(url, form, signature, keys.algorithm)
            for secret in _secrets(settings, keys)
        )
    except ValueError:  # a URL or a text that nothing can be computed over
        return False


def _secrets(settings: str | None, keys: Keys) -> tuple[str, ...]:
    if keys.algorithm == "HMAC_SHA1":
        return tuple(filter(None, keys.auth_tokens))
    parts = (part.partition("=") for part in (settings or "").split(","))
    named = [value.strip() for name, _, value in parts if name.strip() == "key"]
    secret = keys.shared.get(named[0]) if len(named) == 1 else None
    return (secret,) if secret else ()
