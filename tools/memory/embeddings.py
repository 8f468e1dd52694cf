"""Embeddings: texts become vectors. The port, and the small model that comes in a package."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, final

if TYPE_CHECKING:
    from wordllama.inference import WordLlamaInference  # type: ignore[import-untyped]  # ships no types

Vector = list[float]
_LOCAL_DIMENSIONS = 256
# Beyond this the local model leaves the event loop: a text takes some 60 microseconds, a message's worth is no pause.
_AT_ONCE = 32
LONGEST = 8000  # characters: endpoints refuse longer inputs, and a message's subject stands at its beginning


@dataclass(frozen=True, slots=True)
class Embedded:
    """One text's vector and the model that made it: the two are stored together or not at all."""

    vector: Vector
    model_id: str


class Embedder(Protocol):
    """Turns texts into vectors. `model_id` names the model and its dimensions: equal ids give comparable vectors."""

    @property
    def model_id(self) -> str:
        """Model and dimensions in one word."""
        ...

    @property
    def dimensions(self) -> int:
        """How long its vectors are."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """A vector for each text, in order. Raises Unavailable where a remote endpoint does not answer."""
        ...


@final
@dataclass(frozen=True, slots=True)
class LocalEmbedder:
    """wordllama's 256 dimensions, read from its own package: no network, no account, and the same on every machine."""

    model_id: str = f"wordllama/l2_supercat/{_LOCAL_DIMENSIONS}"
    dimensions: int = _LOCAL_DIMENSIONS

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """A unit vector for each text; the first call of a process loads the model (half a second, in a thread)."""
        if not texts:
            return []
        if len(texts) <= _AT_ONCE and _model.cache_info().currsize:
            return embed_locally(texts)
        return await asyncio.to_thread(embed_locally, texts)


def embed_locally(texts: Sequence[str]) -> list[Vector]:
    """As `LocalEmbedder.embed`, at once and in this thread."""
    # A text without a token has no mean, so it gets one that means nothing.
    found = _model().embed([text[:LONGEST] if text.strip() else "." for text in texts], norm=True)
    vectors: list[Vector] = found.tolist()
    return vectors


@cache
def _model() -> "WordLlamaInference":
    import wordllama  # type: ignore[import-untyped]  # ships no types  # noqa: PLC0415 - a third of a second

    # Handing a few sentences to other threads costs more than reading them; so does a warning in every forked process.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # The package brings weights and tokenizer along; it would look in the user's cache folder first.
    package = Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(cache_dir=package, dim=_LOCAL_DIMENSIONS, disable_download=True)


def literal(vector: Vector) -> str:
    """The vector as pgvector reads it. Seven digits are what its four-byte numbers hold."""
    return "[" + ",".join([f"{x:.7g}" for x in vector]) + "]"
