"""The composition root: settings in, a running engine out. The one place where real things are chosen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from langgraph.checkpoint.serde import _msgpack

from agent.deps import Bounds, Deps, Mind
from agent.engine.run import Engine
from agent.models.factory import ModelConfig, build_model
from agent.policy.document import load_policy
from agent.policy.gate import Gate
from server import db
from server.jobs.schedule import Terms
from server.notify.notifier import Notifier, WebhookNotifier
from server.settings import Settings
from server.tracing import set_tracing
from tools.company import Company
from tools.errors import Misconfigured
from tools.memory.embeddings import Embedder, LocalEmbedder


def company_of(settings: Settings) -> Company:
    """Who we are, from the settings."""
    return Company(settings.company_name, settings.company_time_zone, settings.currency)


def model_config(settings: Settings) -> ModelConfig:
    """Which model thinks, from the settings."""
    return ModelConfig(
        kind=settings.model,
        model=settings.openai_model,
        api_key=settings.openai_api_key,
        base_url=settings.openai_base_url,
        timeout=settings.openai_timeout_seconds,
        max_retries=settings.openai_max_retries,
    )


def fallback_of(settings: Settings) -> Mind | None:
    """Who takes the turns of a model in trouble, from the settings. The offline model has nobody to fall back to."""
    if settings.model == "offline" or settings.model_fallback == "person":
        return None
    return Mind.of(build_model(ModelConfig("offline")), "offline")


def embedder_of(settings: Settings) -> Embedder:
    """Which model embeds messages, from the settings."""
    if settings.embeddings == "local":
        return LocalEmbedder()
    from tools.memory.remote_embeddings import OpenAIEmbedder  # noqa: PLC0415 - httpx, which the local one does not need

    return OpenAIEmbedder(
        settings.embeddings_model,
        settings.embeddings_dimensions,
        api_key=settings.embeddings_api_key,
        base_url=settings.embeddings_base_url,
        timeout=settings.embeddings_timeout_seconds,
    )


def notifier_of(settings: Settings) -> Notifier | None:
    """Who tells people that something waits for them, from the settings; None: nobody."""
    if settings.notify_webhook_url is None or settings.notify_webhook_secret is None:
        return None
    public = settings.public_origin or f"http://{settings.host}:{settings.port}"
    return WebhookNotifier(settings.notify_webhook_url, settings.notify_webhook_secret, public)


def terms_of(settings: Settings) -> Terms:
    """When the portfolio is worked and how long words are kept, from the settings."""
    return Terms(settings.cycle_hour, timedelta(days=settings.retention_days))


@asynccontextmanager
async def open_engine(settings: Settings) -> AsyncIterator[Engine]:
    """An engine on the settings' database, policy and model. Raises Misconfigured or Unavailable, in one sentence."""
    if not _msgpack.STRICT_MSGPACK_ENABLED:
        raise Misconfigured("LANGGRAPH_STRICT_MSGPACK must be true: unset it or set it to true.")
    set_tracing(settings)
    gate = Gate(load_policy(settings.policy))
    config = model_config(settings)
    model = build_model(config)
    model_id = "offline" if config.kind == "offline" else f"openai:{config.model}"
    async with db.open_ready(settings) as pool:
        deps = Deps(
            pool,
            settings.make_clock(),
            model,
            model_id,
            gate,
            company_of(settings),
            bounds=Bounds(tokens=settings.model_tokens_per_turn),
            embedder=embedder_of(settings),
            fallback=fallback_of(settings),
            tokens_per_day=settings.model_tokens_per_day if config.kind == "openai" else None,
        )
        engine = Engine(deps)
        await engine.open()
        yield engine
