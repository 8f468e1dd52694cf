"""LangSmith hears which steps ran, and nothing of what was said or owed: every byte that leaves is looked at."""

import gzip
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import langsmith
import pytest
from langchain_core.messages import AIMessage, BaseMessage
from typing_extensions import override

from agent.models.offline import OfflineCollector
from agent.models.scripted import ScriptedModel
from server.settings import Settings
from server.tracing import set_tracing
from tests.agent.engine.test_model_trouble import engine_on
from tests.agent.models.fake_openai import run_fake_openai
from tests.world import World, far_follow_up, proposing

SAID = "This is Odalys Brambleworth, 12 Wrenfield Lane. I can pay $4,417.23 on Friday; call +1 312 555 1001 or odalys@brambleworth.example."
SECRETS = (
    "Odalys", "Brambleworth", "Quillfeather", "Wrenfield", "4,417.23", "441723", "4417.23", "73,913.57", "7391357",
    "73913.57", "312 555", "312555", "cust-1.example", "brambleworth.example", "call me", "I can pay", "gate code", "No-inv-2",
)  # fmt: skip


class Collector(BaseHTTPRequestHandler):
    """Takes what LangSmith's client posts, and keeps it as it would be read there."""

    heard: list[bytes]

    def do_GET(self) -> None:
        self._answer(
            b'{"version": "0.13", "batch_ingest_config": {"use_multipart_endpoint": true, "size_limit": 100,'
            b' "size_limit_bytes": 20971520, "scale_up_nthreads_limit": 4, "scale_up_qsize_trigger": 1000}}'
        )

    def do_POST(self) -> None:
        body = self._body()
        coding = self.headers.get("Content-Encoding", "identity")
        assert coding in ("identity", "gzip"), f"this test cannot read {coding}"
        self.heard.append(gzip.decompress(body) if coding == "gzip" else body)
        self.heard.append(self.path.encode() + bytes(str(self.headers), "utf-8"))
        self._answer(b"{}")

    do_PATCH = do_POST  # noqa: N815 - named by http.server

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def collecting() -> Iterator[tuple[str, list[bytes]]]:
    """A server on loopback, and everything that it was sent."""
    heard: list[bytes] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Mine", (Collector,), {"heard": heard}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", heard
    finally:
        langsmith.configure(client=None, enabled=None, project_name=None)
        server.shutdown()
        server.server_close()
        thread.join()


def breaks(messages: Sequence[BaseMessage], _tools: object) -> AIMessage:
    """A model that goes down with the customer's words in its traceback."""
    raise ConnectionError(f"could not post {SAID} {[message.text for message in messages]}")


def forget_environment() -> None:
    """LangSmith remembers environment variables for as long as the process lives."""
    vars(langsmith.utils)["get_env_var"].cache_clear()


async def turns(world: World) -> None:
    """Turns of every kind: of a model over HTTP, one that waits for approval, one whose model breaks."""
    for customer in ("cust-1", "k1", "k2"):
        world.customer(customer)
        world.invoice(f"inv-2-{customer}", customer, minor=7_391_357)
    with run_fake_openai() as url:
        await engine_on(world, url, timeout=20.0).run(await world.hears(SAID))
    await world.engine(proposing(far_follow_up())).run(await world.hears(SAID, customer="k1"))
    await world.engine(ScriptedModel(script=breaks)).run(await world.hears(SAID, customer="k2"))
    assert world.count("episode") == 3
    assert world.count("promise") == 1


def found(heard: Sequence[bytes]) -> list[str]:
    """Which secrets are in what was sent."""
    everything = b"\n".join(heard).decode("utf-8", "replace")
    return [secret for secret in SECRETS if secret.lower() in everything.lower()]


def settings(endpoint: str, **more: Any) -> Settings:
    return Settings(langsmith_endpoint=endpoint, langsmith_api_key="lsv2_test", **more)  # type: ignore[arg-type]  # pydantic makes it secret


async def test_no_name_number_address_or_amount_leaves_with_a_trace(world: World) -> None:
    with collecting() as (endpoint, heard):
        set_tracing(settings(endpoint, langsmith_tracing=True))
        await turns(world)
        langsmith.run_trees.get_cached_client().flush()

        everything = b"\n".join(heard)
        for step in (b'"recall"', b'"think"', b'"judge"', b'"ask_human"', b"ConnectionError"):
            assert step in everything
        assert found(heard) == []


async def test_the_scan_would_see_a_leak(world: World) -> None:
    """The same turns with LangSmith's own defaults: their content is all over the trace."""
    with collecting() as (endpoint, heard):
        client = langsmith.Client(endpoint, api_key="lsv2_test")
        langsmith.configure(client=client, enabled=True)
        await turns(world)
        client.flush()
        assert {"Odalys", "4,417.23", "I can pay"} <= set(found(heard))


async def test_nothing_is_traced_unless_our_settings_say_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's LANGSMITH_TRACING=true in the environment is not our customers' consent."""
    with collecting() as (endpoint, heard):
        monkeypatch.setenv("LANGSMITH_TRACING", "true")
        monkeypatch.setenv("LANGSMITH_ENDPOINT", endpoint)
        monkeypatch.setenv("LANGSMITH_API_KEY", "lsv2_test")
        forget_environment()
        assert langsmith.utils.tracing_is_enabled()
        set_tracing(settings(endpoint))
        world.customer()
        await world.engine(OfflineCollector()).run(await world.hears(SAID))
        would_be = langsmith.run_trees.get_cached_client()
        would_be.flush()
        would_be.cleanup()
        assert heard == []
        forget_environment()
