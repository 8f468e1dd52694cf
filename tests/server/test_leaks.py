"""What the process says of its work: events, ids and counts, and not one name, number, address or word of a customer."""

import csv
import io
import json
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
import structlog
from langchain_core.messages import AIMessage, BaseMessage

from agent.models.offline import OfflineCollector
from agent.models.scripted import ScriptedModel
from agent.policy.document import load_policy
from server.conversation import hear
from server.cycle import run_cycle
from server.demo.acts import CONVERSATIONS
from server.demo.stage import NOW
from server.health.metrics import exposition
from server.imports import import_and_handle
from server.logs import configure_logs
from tests.world import World
from tools.channels.local import LocalChannel

SAMPLE = Path(__file__).parents[2] / "tools" / "ledger" / "sample"


def secrets() -> set[str]:
    """Every name and address of the sample ledger, and what its customers say in the demo."""
    found = {words for _, words in CONVERSATIONS}
    for file, columns in (("customers.csv", ["Name"]), ("contacts.csv", ["Name", "Address"])):
        with (SAMPLE / file).open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows):
                found |= {row[column].strip() for column in columns}
                found |= {part for part in row["Name"].split() if len(part) > 4}
    return {secret.lower() for secret in found if secret}


def leaks(text: str) -> list[str]:
    """Which of them are in a text."""
    return sorted(secret for secret in secrets() if secret in text.lower())


def quotes(messages: Sequence[BaseMessage], _tools: object) -> AIMessage:
    """A model that goes down with everything it was told in its error."""
    raise ConnectionError(" ".join(message.text for message in messages))


async def test_logs_and_metrics_hold_no_customer(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The demo's ledger, a day's cycle, its conversations and a model that breaks, with every logger at DEBUG."""
    world.clock.advance(datetime.fromisoformat(NOW) - world.clock.now())
    policy = load_policy(SAMPLE / "policy.toml")
    engine, channel = world.engine(OfflineCollector(), policy=policy), LocalChannel()
    broken = world.engine(ScriptedModel(script=quotes), policy=policy)
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as events:
        report = await import_and_handle(engine, SAMPLE, imported_by="test")
        cycle = await run_cycle(engine, channel)
        for customer_id, words in CONVERSATIONS:
            await hear(engine, channel, customer_id=customer_id, body=words)
            await hear(broken, channel, customer_id=customer_id, body=words)
    told = (await exposition(engine.deps)).decode()

    assert report["ok"]
    assert cycle.dispatched.sent > 0
    assert world.count("message", "direction = 'in'") == 2 * len(CONVERSATIONS)
    assert {event["event"] for event in events} >= {"model_failed"}
    assert "dunwell_sends_total" in told
    logged = [f"{record.name} {record.getMessage()} {record.exc_text or ''}" for record in caplog.records]
    for text in (*map(str, events), *logged, told):
        assert leaks(text) == [], text


def test_of_an_exception_only_its_kind_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours, a library's, and the server's own: the text of an error may quote a row."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    monkeypatch.setattr(root, "level", root.level)
    theirs_own = logging.getLogger("uvicorn")  # another test's server may have told it to log by itself
    monkeypatch.setattr(theirs_own, "handlers", [])
    monkeypatch.setattr(theirs_own, "propagate", True)
    written = io.StringIO()
    try:
        configure_logs(written)
        try:
            int("Key (name)=(Amara Okonkwo) already exists")
        except ValueError:
            structlog.get_logger().error("turn_failed", episode_id="ep-1", exc_info=True)
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    finally:
        structlog.reset_defaults()
    ours, theirs = (json.loads(line) for line in written.getvalue().splitlines())
    assert (ours["event"], ours["episode_id"], ours["why"]) == ("turn_failed", "ep-1", "ValueError")
    assert (theirs["logger"], theirs["why"]) == ("uvicorn.error", "ValueError")
    assert leaks(written.getvalue()) == []


def test_the_scan_would_see_a_leak() -> None:
    assert leaks("could not write to +13125550100") == ["+13125550100"]
    assert leaks("AMARA OKONKWO owes") != []
