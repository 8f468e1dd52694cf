"""Embeddings: the bundled model needs no network, the remote one says in one sentence what is wrong."""

import asyncio
import json
import math
import subprocess
import sys
import time
from collections.abc import Sequence

import httpx
import pytest
from pydantic import SecretStr

from server import settings
from server.runtime import embedder_of
from tools.errors import Misconfigured, Unavailable
from tools.memory.embeddings import LocalEmbedder, embed_locally, literal
from tools.memory.remote_embeddings import OpenAIEmbedder

_FRESH = """
import asyncio, sys, time
from tools.memory.embeddings import LocalEmbedder
assert "wordllama" not in sys.modules
started = time.perf_counter()
asyncio.run(LocalEmbedder().embed(["hello"]))
print(time.perf_counter() - started)
"""


async def test_the_local_model_gives_unit_vectors_of_its_dimensions_for_any_text() -> None:
    texts = ["An invoice.", "", "   ", "😀", "x" * 50_000, "¿Cuánto debo?"]

    vectors = await LocalEmbedder().embed(texts)

    assert [len(vector) for vector in vectors] == [LocalEmbedder().dimensions] * len(texts)
    assert all(math.isclose(sum(x * x for x in vector), 1, rel_tol=1e-4) for vector in vectors)
    assert await LocalEmbedder().embed([]) == []


def test_the_same_text_gets_the_same_vector_alone_and_among_others() -> None:
    [alone] = embed_locally(["When do you pay?"])
    among = embed_locally(["a much longer text that pads the others in its batch", "When do you pay?"])[1]

    assert alone == pytest.approx(among, abs=1e-6)
    assert literal([0.5, -0.25]) == "[0.5,-0.25]"


def test_the_local_model_loads_on_first_use_in_a_moment_and_without_a_network() -> None:
    """This process has none. The bound is generous: the figure on a quiet machine is half a second."""
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", _FRESH], capture_output=True, text=True, check=True)

    assert float(done.stdout) < 10
    assert time.monotonic() - started < 30


def _endpoint(answer: httpx.Response, asked: list[httpx.Request]) -> httpx.MockTransport:
    """An endpoint that always gives `answer`, and what it was asked."""

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer

    return httpx.MockTransport(respond)


def _vectors(*vectors: Sequence[float]) -> httpx.Response:
    data = [{"index": n, "embedding": list(v)} for n, v in enumerate(vectors)]
    return httpx.Response(200, json={"data": data[::-1]})


async def test_the_remote_model_is_asked_for_its_dimensions_and_answers_in_order() -> None:
    asked: list[httpx.Request] = []
    transport = _endpoint(_vectors([1, 0], [0, 1]), asked)
    embedder = OpenAIEmbedder("tiny", 2, api_key=SecretStr("hush"), transport=transport)

    texts = ["a", "Write to o.b@example.com or call +1 312 555 1000."]
    assert await embedder.embed(texts) == [[1.0, 0.0], [0.0, 1.0]]

    body = json.loads(asked[0].content)
    sent = ["a", "Write to [email] or call [phone]."]
    assert body == {"model": "tiny", "input": sent, "encoding_format": "float", "dimensions": 2}
    assert asked[0].headers["authorization"] == "Bearer hush"
    assert embedder.model_id == "openai/tiny/2"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(429, headers={"retry-after": "3600"}),
        httpx.Response(401, json={"error": "my secret"}),
        httpx.Response(200, text="<html>my secret"),
        httpx.Response(200, text='{"data": [{"index": 0, "embedding": ["my secret"]}]}'),
        httpx.Response(200, text='{"data": [{"index": 0, "embedding": [NaN, 1]}, {"index": 1, "embedding": [0, 1]}]}'),
        httpx.Response(200, text='{"data": [{"index": 0, "embedding": [1e39, 1]}, {"index": 1, "embedding": [0, 1]}]}'),
        httpx.Response(200, text='{"data": [{"index": 0, "embedding": [1, 1]}, {"index": 0, "embedding": [0, 1]}]}'),
        _vectors([1, 0, 0], [0, 0, 1]),
        _vectors([1, 0]),
    ],
)  # fmt: skip
async def test_an_endpoint_that_fails_or_answers_nonsense_is_unavailable_in_one_sentence(
    answer: httpx.Response,
) -> None:
    embedder = OpenAIEmbedder("tiny", 2, transport=_endpoint(answer, []))
    with pytest.raises(Unavailable, match="embedding model tiny did not") as failure:
        await embedder.embed(["my secret", "b"])
    assert "secret" not in f"{failure.value} {failure.value.__cause__}"


async def test_an_endpoint_that_hangs_is_unavailable_after_its_timeout() -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    embedder = OpenAIEmbedder("tiny", 2, timeout=0.05, transport=httpx.MockTransport(hang))
    with pytest.raises(Unavailable, match="embedding model tiny did not answer"):
        await embedder.embed(["a"])


def test_the_settings_choose_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    assert embedder_of(settings.load()) == LocalEmbedder()

    monkeypatch.setenv("DUNWELL_EMBEDDINGS", "openai")
    with pytest.raises(Misconfigured, match="DUNWELL_EMBEDDINGS=openai needs DUNWELL_EMBEDDINGS_API_KEY"):
        settings.load()
    monkeypatch.setenv("DUNWELL_EMBEDDINGS_API_KEY", "k")
    monkeypatch.setenv("DUNWELL_EMBEDDINGS_DIMENSIONS", "768")
    assert embedder_of(settings.load()).model_id == "openai/text-embedding-3-small/768"
