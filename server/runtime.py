"""The composition root: settings in, a running engine out. The one place where real things are chosen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from langgraph.checkpoint.serde import _msgpack

from agent.deps import Deps
from agent.engine.run import Engine
from agent.models.factory import ModelConfig, build_model
from agent.policy.document import load_policy
from agent.policy.gate import Gate
from server import db
from server.settings import Settings
from tools.company import Company
from tools.errors import Misconfigured
from tools.memory.embeddings import Embedder, LocalEmbedder

_POOL = 8  # no transaction is open across a model call, so few connections serve many episodes


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


@asynccontextmanager
async def open_pool(settings: Settings) -> AsyncIterator[db.Pool]:
    """The database, started and migrated if need be, behind a pool whose login is no superuser."""
    conninfo = await asyncio.to_thread(db.locate, settings)
    async with db.connect(conninfo) as conn:
        current = await db.is_current(conn)
    if not current:
        await db.migrate(conninfo)
    async with db.open_pool(conninfo, min_size=1, max_size=_POOL) as pool:
        yield pool


@asynccontextmanager
async def open_engine(settings: Settings) -> AsyncIterator[Engine]:
    """An engine on the settings' database, policy and model. Raises Misconfigured or Unavailable, in one sentence."""
    if not _msgpack.STRICT_MSGPACK_ENABLED:
        raise Misconfigured("LANGGRAPH_STRICT_MSGPACK must be true: unset it or set it to true.")
    gate = Gate(load_policy(settings.policy))
    config = model_config(settings)
    model = build_model(config)
    model_id = "offline" if config.kind == "offline" else f"openai:{config.model}"
    async with open_pool(settings) as pool:
        deps = Deps(
            pool,
            settings.make_clock(),
            model,
            model_id,
            gate,
            company_of(settings),
            embedder=embedder_of(settings),
        )
        engine = Engine(deps)
        await engine.open()
        yield engine
