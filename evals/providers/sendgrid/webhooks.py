"""Webhooks as SendGrid posts them: signed by ECDSA over timestamp and body, repeated when they were not taken."""

import asyncio
import base64
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evals.providers.twilio.webhooks import Lies
from tools.channels.sendgrid.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER
from tools.clock import Clock, SystemClock


@dataclass(slots=True)
class Webhooks:
    """Signs with a key pair of its own, the same for the same seed; `signs` is off for an account without a policy.

    A repeated webhook carries its first time and signature: nobody says that SendGrid signs anew. `clock` is
    the whole fake's.
    """

    lies: Lies = field(default_factory=Lies)
    seed: int = 0
    signs: bool = True
    attempts: int = 4  # of a webhook that is not taken; the real ones go on for a day or three
    pause: float = 0.05  # seconds between them
    clock: Clock = field(default_factory=SystemClock)
    answers: list[int] = field(default_factory=list)  # the HTTP statuses that we answered; 0: none
    _client: httpx.AsyncClient = field(init=False)
    _dice: random.Random = field(init=False)
    _key: ec.EllipticCurvePrivateKey = field(init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._client = httpx.AsyncClient(timeout=15.0, trust_env=False)
        self._key = ec.derive_private_key(self.seed + 4711, ec.SECP256R1())

    @property
    def public_key(self) -> str:
        """The verification key, as SendGrid's settings show it."""
        der = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(der).decode()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def headers(self, body: bytes) -> dict[str, str]:
        """What a webhook with this body is signed with, now."""
        if not self.signs:
            return {}
        timestamp = str(int(self.clock.now().timestamp()))
        signature = self._key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {SIGNATURE_HEADER: base64.b64encode(signature).decode(), TIMESTAMP_HEADER: timestamp}

    async def post(self, url: str, body: bytes, content_type: str, *, again_from: int) -> int:
        """One webhook, and its duplicate where it lies: the last status that we answered, 0 for none.

        Answers from `again_from` on, and none at all, repeat it.
        """
        await asyncio.sleep(self._dice.random() * self.lies.late)
        status = 0
        for _ in range(2 if self._dice.random() < self.lies.duplicates else 1):
            status = await self._deliver(url, body, content_type, again_from)
        return status

    def ordered(self, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Events in the order in which they are posted."""
        mixed = list(events)
        if self._dice.random() < self.lies.reorders:
            self._dice.shuffle(mixed)
        return mixed

    async def _deliver(self, url: str, body: bytes, content_type: str, again_from: int) -> int:
        headers, status = {**self.headers(body), "Content-Type": content_type}, 0
        for attempt in range(self.attempts):
            if attempt:
                await asyncio.sleep(self.pause)
            try:
                answer = await self._client.post(url, content=body, headers=headers)
                status = answer.status_code
            except httpx.HTTPError:
                status = 0
            self.answers.append(status)
            if 0 < status < again_from:
                break
        return status
