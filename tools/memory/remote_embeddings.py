"""Embeddings by any endpoint that speaks OpenAI's API."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, final

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from tools.errors import Unavailable
from tools.memory.embeddings import LONGEST, Vector
from tools.memory.pseudonyms import without_addresses

# What pgvector's four-byte numbers hold; a vector beyond would fail the transaction that stores the message.
_Number = Annotated[float, Field(ge=-1e38, le=1e38, allow_inf_nan=False)]


class _Item(BaseModel):
    index: int
    embedding: list[_Number]


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)  # an endpoint may echo the text into its answer
    data: list[_Item]


@final
@dataclass(frozen=True, slots=True)
class OpenAIEmbedder:
    """An OpenAI-compatible `/embeddings` endpoint. The caller holds no database connection while it answers.

    Addresses and numbers of people do not leave this machine; words, and the names among them, do.
    """

    model: str
    dimensions: int
    api_key: SecretStr | None = None
    base_url: str = "https://api.openai.com/v1"
    timeout: float = 10.0  # seconds, for one request
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
            "input": [without_addresses(text[:LONGEST]) if text.strip() else "." for text in texts],
            "encoding_format": "float",
            "dimensions": self.dimensions,
        }
        try:
            async with asyncio.timeout(self.timeout):  # httpx counts from one byte to the next
                response = await client.post(f"{self.base_url.rstrip('/')}/embeddings", json=body)
            response.raise_for_status()
            answer = _Answer.model_validate_json(response.content)
        except (httpx.HTTPError, httpx.InvalidURL, ValidationError, TimeoutError) as failure:
            raise Unavailable(f"The embedding model {self.model} did not answer.") from failure
        given = {item.index: item.embedding for item in answer.data}
        vectors = [given.get(n, []) for n in range(len(texts))]
        if len(answer.data) != len(texts) or any(len(vector) != self.dimensions for vector in vectors):
            raise Unavailable(
                f"The embedding model {self.model} did not give {self.dimensions} dimensions for each text; "
                "set DUNWELL_EMBEDDINGS_DIMENSIONS to what it gives."
            )
        return vectors
