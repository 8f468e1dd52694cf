"""Webhooks as Twilio posts them: signed by the SDK's own functions, repeated as a URL's fragment asks, and not in order."""

import asyncio
import random
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urldefrag
from uuid import uuid4

import httpx
from twilio.request_validator import (  # type: ignore[import-untyped]  # the SDK ships no py.typed
    HMAC_SHA1,
    HMAC_SHA256,
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
)


@dataclass(slots=True)
class Lies:
    """How often a webhook comes twice, how often a message's callbacks come in another order, and how late (seconds)."""

    duplicates: float = 0.0
    reorders: float = 0.0
    late: float = 0.0


@dataclass(slots=True)
class Webhooks:
    """Signs with the auth token in SHA-1, or with a shared key (id, secret) in SHA-256 where one is given."""

    auth_token: str
    shared_key: tuple[str, str] | None = None
    lies: Lies = field(default_factory=Lies)
    seed: int = 0
    pause: float = 0.05  # seconds before a webhook that was not taken comes again
    answers: list[int] = field(default_factory=list)  # the HTTP statuses that we answered; 0: none
    _client: httpx.AsyncClient = field(init=False)
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        # Our service is on loopback: no certificates are loaded, and none would be believed.
        self._client = httpx.AsyncClient(
            timeout=15.0, trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def headers(self, url: str, form: Mapping[str, str]) -> dict[str, str]:
        """What a webhook to this URL is signed with."""
        algorithm = HMAC_SHA256 if self.shared_key else HMAC_SHA1
        secret = self.shared_key[1] if self.shared_key else self.auth_token
        signature = RequestValidator(secret).compute_signature(urldefrag(url).url, form, algorithm)
        named = {"I-Twilio-Idempotency-Token": str(uuid4()), SIGNATURE_HEADER: signature}
        if self.shared_key:
            named[SIGNATURE_SETTINGS_HEADER] = f"key={self.shared_key[0]},algorithm={algorithm}"
        return named

    async def post(self, url: str, form: Mapping[str, str]) -> int:
        """One webhook, and its duplicate where it lies: the last status that we answered, 0 for none."""
        await asyncio.sleep(self._dice.random() * self.lies.late)
        status = 0
        for _ in range(2 if self._dice.random() < self.lies.duplicates else 1):
            status = await self._deliver(url, form)
        return status

    def ordered(self, forms: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
        """A message's callbacks in the order in which they are posted."""
        mixed = list(forms)
        if self._dice.random() < self.lies.reorders:
            self._dice.shuffle(mixed)
        return mixed

    async def _deliver(self, url: str, form: Mapping[str, str]) -> int:
        target, fragment = urldefrag(url)
        wishes = {name: values[-1] for name, values in parse_qs(fragment).items()}
        attempts, policy = 1 + int(wishes.get("rc", "1")), wishes.get("rp", "ct").split(",")
        headers = self.headers(target, form)
        for attempt in range(attempts):
            if attempt:
                await asyncio.sleep(self.pause)
            try:
                answer = await self._client.post(target, data=dict(form), headers=headers)
            except httpx.ConnectError:
                self.answers.append(0)
            except httpx.HTTPError:
                self.answers.append(0)
                if not {"rt", "all"} & set(policy):
                    break
            else:
                self.answers.append(answer.status_code)
                if answer.status_code < 500 or not {"5xx", "all"} & set(policy):
                    return answer.status_code
        return 0
