"""Embeddings by any endpoint that speaks OpenAI's API."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import httpx
from pydantic import BaseModel, SecretStr, ValidationError

from tools.errors import Unavailable
from tools.memory.embeddings import LONGEST, Vector


class _Item(BaseModel):
    index: int
    embedding: Vector


class _Answer(BaseModel):
    data: list[_Item]


@final
@dataclass(frozen=True, slots=True)
class OpenAIEmbedder:
    """An OpenAI-compatible `/embeddings` endpoint. The caller holds no database connection while it answers."""

    model: str
    dimensions: int
    api_key: SecretStr | None = None
    base_url: str = "https://api.openai.com/v1"
    timeout: float = 10.0  # seconds, for the whole call
    max_retries: int = 1  # of the connection; an answer is not asked for twice
    batch: int = 128  # texts in one request
    transport: httpx.AsyncBaseTransport | None = None  # None: HTTP

    @property
    def model_id(self) -> str:
        """The model and its dimensions."""
        return f"openai/{self.model}/{self.dimensions}"

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """A vector for each text. Raises Unavailable, without the text, when the endpoint fails or answers nonsense."""
        if not texts:
            return []
        key = self.api_key.get_secret_value() if self.api_key else None
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        vectors: list[Vector] = []
        transport = self.transport or httpx.AsyncHTTPTransport(retries=self.max_retries)
        async with httpx.AsyncClient(timeout=self.timeout, headers=headers, transport=transport) as client:
            for start in range(0, len(texts), self.batch):
                vectors += await self._request(client, texts[start : start + self.batch])
        return vectors

    async def _request(self, client: httpx.AsyncClient, texts: Sequence[str]) -> list[Vector]:
        body = {
            "model": self.model,
            "input": [text[:LONGEST] if text.strip() else "." for text in texts],
            "encoding_format": "float",
            "dimensions": self.dimensions,
        }
        try:
            response = await client.post(f"{self.base_url.rstrip('/')}/embeddings", json=body)
            response.raise_for_status()
            answer = _Answer.model_validate_json(response.content)
        except (httpx.HTTPError, ValidationError) as failure:
            raise Unavailable(f"The embedding model {self.model} did not answer.") from failure
        vectors = [item.embedding for item in sorted(answer.data, key=lambda item: item.index)]
        if len(vectors) != len(texts) or any(len(vector) != self.dimensions for vector in vectors):
            raise Unavailable(
                f"The embedding model {self.model} did not give {self.dimensions} dimensions for each text; "
                "set DUNWELL_EMBEDDINGS_DIMENSIONS to what it gives."
            )
        return vectors
