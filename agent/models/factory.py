"""One chat model by configuration."""

from dataclasses import dataclass
from typing import Literal

from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from agent.models.offline import OfflineCollector
from tools.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Which model thinks. Everything but `kind` is for "openai": any endpoint that speaks OpenAI's chat completions."""

    kind: Literal["offline", "openai"] = "offline"
    model: str | None = None
    api_key: SecretStr | None = None
    base_url: str | None = None  # None: OpenAI's own
    timeout: float = 30.0  # seconds for one call
    max_retries: int = 2  # by the client, within one call; nothing above it may retry again


def build_model(config: ModelConfig) -> BaseChatModel:
    """The model that `config` names. Raises Misconfigured, with one sentence, where something it needs is missing."""
    match config.kind:
        case "offline":
            return OfflineCollector()
        case "openai":
            if not config.model:
                raise Misconfigured("The openai model needs the name of a model: set DUNWELL_OPENAI_MODEL.")
            if config.api_key is None or not config.api_key.get_secret_value().strip():
                raise Misconfigured(
                    "The openai model needs an API key: set DUNWELL_OPENAI_API_KEY (any word, where the endpoint wants none)."
                )
            from langchain_openai import ChatOpenAI  # noqa: PLC0415 - a second of imports that the offline model does not need

            return ChatOpenAI(
                model_name=config.model,
                openai_api_key=config.api_key,
                openai_api_base=config.base_url,
                request_timeout=config.timeout,
                max_retries=config.max_retries,
                stream_usage=True,
                # langchain-openai shares one HTTP client in the process, and a connection kept alive from an event
                # loop that has closed breaks the next call (measured). A handshake is little beside a model's answer.
                default_headers={"Connection": "close"},
                # Compatible endpoints know chat completions; few know OpenAI's newer API.
                use_responses_api=False,
            )
        case _:
            raise Misconfigured(f"There is no model {config.kind!r}: set DUNWELL_MODEL to offline or openai.")
