"""The settings: environment variables `DUNWELL_*`, read here and nowhere else."""

import os
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

import platformdirs
from pydantic import AwareDatetime, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import SettingsConfigDict

from server.channel_settings import ChannelSettings
from tools.clock import Clock, FrozenClock, SystemClock
from tools.errors import Misconfigured

_PREFIX = "DUNWELL_"
_WHICH_MODEL = (_PREFIX + "MODEL", _PREFIX + "OPENAI_", _PREFIX + "EMBEDDINGS")


def _default_data_dir() -> Path:
    # Root's own folders are closed to the unprivileged user that Postgres must run as; the
    # system's folder for state (on Linux /var/lib/dunwell) is not.
    if os.geteuid() == 0:
        return platformdirs.user_state_path("dunwell", use_site_for_root=True)
    return platformdirs.user_data_path("dunwell")


class Settings(ChannelSettings):
    """Everything that can be set; frozen, so whoever holds it holds what the process started with."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,  # a value that does not parse may still be a password
    )

    env: Literal["development", "production"] = Field("development", description="Where this runs.")
    clock: AwareDatetime | None = Field(
        None, description="Freeze the clock at this instant (ISO 8601 with an offset); never in production."
    )
    data_dir: Path = Field(
        default_factory=_default_data_dir, description="Where the embedded database lives."
    )
    database_url: SecretStr | None = Field(
        None, description="A Postgres server of your own; without it the embedded one is used."
    )
    policy: Path | None = Field(
        None, description="Your policy file; without it the reviewed default is used."
    )

    company_name: str = Field("Juniper Home Services", min_length=1, description="Who the messages are from.")
    company_time_zone: ZoneInfo = Field(
        ZoneInfo("America/Chicago"), description="Where the company's calendar days begin and end."
    )
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$", description="The company's currency (ISO 4217).")

    host: str = Field("127.0.0.1", min_length=1, description="The address the server listens on.")
    port: int = Field(8321, ge=1, le=65535, description="The port the server listens on.")
    public_origin: str | None = Field(
        None,
        pattern=r"^https?://[a-z0-9.\[\]:-]+$",
        description="Under which origin browsers reach the server behind a proxy, as https://desk.example.com.",
    )
    requests_per_second: float = Field(
        300.0, gt=0, description="Requests that one user may make in a second; twice as many at once."
    )

    ready_lag_seconds: float = Field(
        300.0,
        gt=0,
        description="How long a turn may be due before this installation says that it is not ready.",
    )
    metrics_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="The address on which a worker tells Prometheus what it counted.",
    )
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="The first port for that; each further worker takes the next free one.",
    )

    notify_webhook_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s@]+$",
        description="Where people are told that an approval waits: ids, kind, role, age and a link, nothing else.",
    )
    notify_webhook_secret: SecretStr | None = Field(
        None, min_length=16, description="What those notices are signed with (HMAC-SHA256)."
    )

    langsmith_tracing: bool = Field(
        default=False,
        description="Trace turns to LangSmith: steps, times and models, never what was read or written.",
    )
    langsmith_endpoint: str = Field(
        "https://api.smith.langchain.com", min_length=1, description="The LangSmith server."
    )
    langsmith_api_key: SecretStr | None = Field(None, description="The key for that server.")
    langsmith_project: str = Field("dunwell", min_length=1, description="The project that traces go to.")

    worker_concurrency: int = Field(
        16,
        ge=1,
        le=500,
        description="Turns that a worker runs at once; with a slow model more of them wait on it.",
    )
    worker_grace_seconds: float = Field(
        20.0, gt=0, le=600, description="How long a worker that is told to stop finishes what it has begun."
    )
    cycle_hour: int = Field(
        6,
        ge=0,
        le=24,
        description="From which hour of the company's day workers work the portfolio; 24: never.",
    )
    retention_days: int = Field(
        1095, ge=30, description="Days after the last activity until a settled customer's words are erased."
    )

    model: Literal["offline", "openai"] = Field("offline", description="Which chat model thinks.")
    openai_base_url: str | None = Field(None, description="Any OpenAI-compatible endpoint.")
    openai_api_key: SecretStr | None = Field(None, description="The key for that endpoint.")
    openai_model: str | None = Field(None, description="The model's name at that endpoint.")
    openai_timeout_seconds: float = Field(30.0, gt=0, le=600, description="How long one model call may take.")
    openai_max_retries: int = Field(2, ge=0, le=10, description="How often a failed model call is repeated.")

    model_fallback: Literal["offline", "person"] = Field(
        "offline", description="Who takes a turn when the model fails, refuses or has used up its budget."
    )
    model_tokens_per_turn: int = Field(
        60_000, ge=1000, description="Tokens that one turn may cost, asked and answered."
    )
    model_tokens_per_day: int | None = Field(
        None,
        ge=1,
        description="Tokens that all turns of a business day may cost; without it there is no limit.",
    )

    embeddings: Literal["local", "openai"] = Field("local", description="Which model embeds messages.")
    embeddings_base_url: str = Field(
        "https://api.openai.com/v1", min_length=1, description="Any OpenAI-compatible embeddings endpoint."
    )
    embeddings_api_key: SecretStr | None = Field(None, description="The key for that endpoint.")
    embeddings_model: str = Field(
        "text-embedding-3-small", min_length=1, description="The embedding model's name at that endpoint."
    )
    embeddings_dimensions: int = Field(
        512, ge=1, le=4096, description="How many dimensions that model is asked for."
    )
    embeddings_timeout_seconds: float = Field(
        10.0, gt=0, le=300, description="How long one embedding call may take."
    )

    @model_validator(mode="after")
    def _clock_runs_in_production(self) -> Self:
        if self.clock is not None and self.env == "production":
            raise ValueError(
                f"{_PREFIX}CLOCK freezes time and is refused when {_PREFIX}ENV=production; unset one of them"
            )
        return self

    @model_validator(mode="after")
    def _notices_are_signed(self) -> Self:
        if (self.notify_webhook_url is None) != (self.notify_webhook_secret is None):
            raise ValueError(f"{_PREFIX}NOTIFY_WEBHOOK_URL and {_PREFIX}NOTIFY_WEBHOOK_SECRET go together")
        return self

    @model_validator(mode="after")
    def _openai_is_complete(self) -> Self:
        if self.model == "openai" and (
            self.openai_model is None or (self.openai_api_key is None and self.openai_base_url is None)
        ):
            raise ValueError(
                f"{_PREFIX}MODEL=openai needs {_PREFIX}OPENAI_MODEL and at least one of "
                f"{_PREFIX}OPENAI_API_KEY and {_PREFIX}OPENAI_BASE_URL"
            )
        return self

    @model_validator(mode="after")
    def _embeddings_are_complete(self) -> Self:
        theirs = self.embeddings_base_url == type(self).model_fields["embeddings_base_url"].default
        if self.embeddings == "openai" and theirs and self.embeddings_api_key is None:
            raise ValueError(
                f"{_PREFIX}EMBEDDINGS=openai needs {_PREFIX}EMBEDDINGS_API_KEY, or {_PREFIX}EMBEDDINGS_BASE_URL "
                "of an endpoint that wants none"
            )
        return self

    def make_clock(self) -> Clock:
        """The clock to inject: the machine's, or one frozen at `clock`."""
        return SystemClock() if self.clock is None else FrozenClock(self.clock)


def load() -> Settings:
    """The settings of this process; raises Misconfigured with one sentence when they make no sense."""
    try:
        return Settings()
    except ValidationError as invalid:
        raise Misconfigured("; ".join(_complaints(invalid)) + ".") from None


def masked(settings: Settings) -> dict[str, str | int | float | None]:
    """Every setting by the name of its variable, ready to print: a secret that is set shows as asterisks."""
    return {
        _PREFIX + name.upper(): value if isinstance(value, str | int | float) or value is None else str(value)
        for name, value in ((name, getattr(settings, name)) for name in Settings.model_fields)
    }


def _complaints(invalid: ValidationError) -> list[str]:
    complaints = []
    for error in invalid.errors(include_url=False, include_input=False, include_context=False):
        name = "".join(_PREFIX + str(part).upper() for part in error["loc"][:1])
        message = error["msg"].removeprefix("Value error, ")
        complaints.append(f"{name}: {message}" if name else message)
    return complaints


def inherited(*, with_model: bool = False) -> dict[str, str]:
    """The environment for a command of ours that this process starts, without this process's own settings.

    `with_model` keeps those that say which model thinks, for whoever wants to watch theirs.
    """
    kept = _WHICH_MODEL if with_model else ()
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_PREFIX) or name.startswith(kept)
    }
