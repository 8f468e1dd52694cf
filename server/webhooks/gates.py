"""Gates: what each provider's webhooks must be signed with on this installation."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from cryptography.hazmat.primitives.asymmetric import ec

from tools.channels.sendgrid.reply_token import Tokens
from tools.channels.twilio.signature import Keys


@dataclass(frozen=True, slots=True)
class TwilioGate:
    """Twilio's account and keys. `answers_keywords`: Twilio itself confirms STOP, START and HELP (its default)."""

    account_sid: str
    keys: Keys = field(repr=False)
    answers_keywords: bool = True


@dataclass(frozen=True, slots=True)
class SendGridGate:
    """SendGrid's keys: of events, and of incoming mail (a security policy's key, or else a secret in its path).

    `ours` are addresses and domains that we send from: mail from there is a loop. Times say how long a signature is good.
    """

    events_key: ec.EllipticCurvePublicKey = field(repr=False)
    parse_key: ec.EllipticCurvePublicKey | None = field(repr=False)
    parse_secret: str = field(repr=False)
    reply_host: str
    ours: frozenset[str]
    events_last: timedelta
    mails_last: timedelta


@dataclass(frozen=True, slots=True)
class LocalLine:
    """Keys of this process's own, with which the local page signs as a provider would: nobody else has them."""

    account_sid: str
    auth_token: str = field(repr=False)
    signing_key: ec.EllipticCurvePrivateKey = field(repr=False)
    tokens: Tokens = field(repr=False)
    reply_host: str = "local.invalid"

    @classmethod
    def fresh(cls) -> Self:
        """New keys."""
        return cls(
            "AC" + secrets.token_hex(16), secrets.token_hex(16), ec.generate_private_key(ec.SECP256R1()),
            Tokens({"l": secrets.token_bytes(32)}),
        )  # fmt: skip

    @property
    def twilio(self) -> TwilioGate:
        """What takes its texts. Nobody but us answers a keyword here."""
        return TwilioGate(
            self.account_sid, Keys("HMAC_SHA1", auth_tokens=(self.auth_token,)), answers_keywords=False
        )

    @property
    def sendgrid(self) -> SendGridGate:
        """What takes its mails."""
        key, minute = self.signing_key.public_key(), timedelta(minutes=1)
        return SendGridGate(
            key, key, secrets.token_urlsafe(), self.reply_host, frozenset({self.reply_host}), minute, minute
        )


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Who may tell us something; None: that provider is not set up. `public_url` has no slash at its end."""

    public_url: str
    twilio: TwilioGate | None = None
    sendgrid: SendGridGate | None = None
    tokens: Tokens | None = field(default=None, repr=False)
    local: LocalLine | None = field(default=None, repr=False)
