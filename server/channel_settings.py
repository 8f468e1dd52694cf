"""Settings of the channels: who carries texts and e-mails, and how their webhooks are known to be theirs."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class ChannelSettings(BaseSettings):
    """The part of the settings that says how messages leave and arrive."""

    sms: Literal["local", "twilio"] = Field("local", description="Who carries text messages.")
    email: Literal["local", "sendgrid"] = Field("local", description="Who carries e-mails.")
    link_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="What signs reply addresses and unsubscribe links: 32 random characters or more.",
    )
    link_key_before: SecretStr | None = Field(
        None, min_length=32, description="The key before that one: what it signed is still taken."
    )

    twilio_account_sid: str | None = Field(
        None, pattern=r"^AC[0-9a-fA-F]{32}$", description="Twilio's account."
    )
    twilio_auth_token: SecretStr | None = Field(
        None, description="Its auth token; webhooks are signed with it."
    )
    twilio_auth_token_before: SecretStr | None = Field(
        None, description="The one that is being replaced: what it signed is still taken."
    )
    twilio_api_key: str | None = Field(
        None, pattern=r"^SK[0-9a-fA-F]{32}$", description="A key to send with instead of the auth token."
    )
    twilio_api_secret: SecretStr | None = Field(None, description="That key's secret.")
    twilio_sender: str | None = Field(
        None, description="The number that texts come from, or a messaging service MG..."
    )
    twilio_shared_keys: SecretStr | None = Field(
        None,
        description="Keys for webhooks signed with SHA-256, as ID:SECRET,ID:SECRET; SHA-1 is then refused.",
    )
    twilio_confirms_keywords: bool = Field(
        default=True,
        description="Twilio itself answers STOP, START and HELP, as it does unless told otherwise.",
    )
    twilio_base_url: str | None = Field(
        None, description="A stand-in for Twilio: https, or http on loopback."
    )

    sendgrid_api_key: SecretStr | None = Field(None, description="SendGrid's API key.")
    sendgrid_sender: str | None = Field(None, description="The address that e-mails come from.")
    sendgrid_parse_host: str | None = Field(
        None, description="The host name whose mail SendGrid's Inbound Parse posts to us."
    )
    sendgrid_events_key: str | None = Field(
        None, description="The public key with which SendGrid signs events."
    )
    sendgrid_parse_key: str | None = Field(
        None, description="The public key of Inbound Parse's security policy."
    )
    sendgrid_parse_secret: SecretStr | None = Field(
        None, min_length=16, description="Without that policy: a secret path segment of the inbound address."
    )
    sendgrid_sandbox: bool = Field(default=False, description="SendGrid checks e-mails and sends none.")
    sendgrid_base_url: str | None = Field(
        None, description="A stand-in for SendGrid: https, or http on loopback."
    )

    @field_validator("twilio_base_url", "sendgrid_base_url")
    @classmethod
    def _https_or_loopback(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            return url.rstrip("/")
        raise ValueError("keys and customers' words go over https, or over http to this machine only")

    @model_validator(mode="after")
    def _channels_are_complete(self) -> Self:
        missing = [name for name in self._needed() if getattr(self, name) is None]
        if missing:
            names = ", ".join(f"DUNWELL_{name.upper()}" for name in missing)
            raise ValueError(f"the channels chosen need {names} as well")
        if self.sms == "twilio" and (self.twilio_api_key is None) != (self.twilio_api_secret is None):
            raise ValueError("DUNWELL_TWILIO_API_KEY and DUNWELL_TWILIO_API_SECRET go together")
        if (
            self.email == "sendgrid"
            and self.sendgrid_parse_key is None
            and self.sendgrid_parse_secret is None
        ):
            raise ValueError(
                "incoming e-mail needs DUNWELL_SENDGRID_PARSE_KEY, or DUNWELL_SENDGRID_PARSE_SECRET in its address"
            )
        return self

    @property
    def carriers(self) -> list[str]:
        """The providers that really carry messages; none on a local installation."""
        return [carrier for carrier in (self.sms, self.email) if carrier != "local"]

    def _needed(self) -> list[str]:
        needed = []
        if self.sms == "twilio":
            needed += ["public_origin", "twilio_account_sid", "twilio_auth_token", "twilio_sender"]
        if self.email == "sendgrid":
            needed += [
                "public_origin", "link_key", "sendgrid_api_key", "sendgrid_sender", "sendgrid_parse_host",
                "sendgrid_events_key",
            ]  # fmt: skip
        return needed
