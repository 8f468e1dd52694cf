"""Who signed a webhook: only SendGrid, with the key of this endpoint, and lately.

The Event Webhook and Inbound Parse are signed alike: ECDSA P-256 with SHA-256 over the timestamp's text and the body's
bytes. The SDK's own check wants a text (mail is none), raises on garbage and does not look at the time.
"""

import base64
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tools.errors import Misconfigured

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"
WINDOW = timedelta(minutes=5)
# Seconds, ten digits until the year 2286. Timestamp and body are signed as one text: with a fixed length it cannot be
# cut anew, a digit of one going to the other.
_TIMESTAMP = re.compile(r"[1-9][0-9]{9}", re.ASCII)
_ARMOUR = re.compile(r"-----(?:BEGIN|END) PUBLIC KEY-----|\s")
_LONGEST = 200  # characters of a signature; 96 are usual


def public_key(text: str) -> ec.EllipticCurvePublicKey:
    """A verification key as SendGrid shows it (base64, or PEM). Raises Misconfigured for anything but a P-256 key."""
    try:
        key = load_der_public_key(base64.b64decode(_ARMOUR.sub("", text), validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Misconfigured("SendGrid's verification key is the text that its webhook settings show (a P-256 public key).")  # fmt: skip
    return key


def is_signed(
    body: bytes,
    signature: str | None,
    timestamp: str | None,
    keys: Sequence[ec.EllipticCurvePublicKey],
    *,
    now: datetime,
    window: timedelta = WINDOW,
) -> bool:
    """Whether SendGrid signed this body within `window` of `now`, with one of `keys` (two while they are rotated).

    `signature` and `timestamp` are the values of the headers as they came. False for whatever is missing or garbled;
    never an exception. `window` is the caller's: a body that SendGrid posts anew hours later may carry the first time,
    and one that is refused is lost; where duplicates are found by their ids, a long window costs nothing.
    """
    signed = _decoded(signature)
    if signed is None or timestamp is None or not _TIMESTAMP.fullmatch(timestamp):
        return False
    if abs(now.timestamp() - int(timestamp)) > window.total_seconds():
        return False
    return any(_verifies(key, signed, timestamp.encode() + body) for key in keys)


def _decoded(signature: str | None) -> bytes | None:
    if not signature or len(signature) > _LONGEST or not signature.isascii():
        return None
    try:
        value = base64.b64decode(signature, validate=True)
    except ValueError:
        return None
    # Spare bits would make another text of the same signature.
    return value if base64.b64encode(value).decode() == signature else None


def _verifies(key: ec.EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
