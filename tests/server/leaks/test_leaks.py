"""What the process says of its work: events, ids and counts, and not one name, number, address or word of a customer."""

import io
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from server.demo.acts import CONVERSATIONS
from server.logs import configure_logs
from tests.proofs import proof_size
from tests.server.leaks.day import OURS, live
from tests.server.leaks.ledger import fold, found_in, leaks, people, secrets
from tests.server.leaks.page import page
from tests.world import World

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "infra" / "measured" / "leaks.md"


@pytest.mark.proof
async def test_nothing_of_a_customer_is_told_outside_our_tables(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    """One whole day; prompts, graph state, checkpoints, logs, metrics, traces, jobs, decisions and every other table."""
    day = await live(world, tmp_path, caplog, monkeypatch)

    places = day.places()
    record_property("cases", sum(map(len, places.values())))
    assert found_in(places) == {}
    for place in ("state", "checkpoints", "logs", "metrics", "traces", "jobs"):
        said = fold(str(places[place]))
        assert [words for _, words in CONVERSATIONS if fold(words) in said] == [], place
    # Not because there was nothing to tell: in our tables everything stands, and each failure was heard of.
    ours = "\n".join(row for table in OURS for row in world.sql(f"SELECT t::text FROM {table} t"))
    assert {kind for kind, _ in leaks(ours)} == set(secrets())
    assert all(len(told) > 0 for told in places.values()), {
        place: len(told) for place, told in places.items()
    }
    for event in ("model_failed", "chore_failed"):
        assert event in str(places["logs"])
    assert {"sending", "failed", "unknown"} & set(world.sql("SELECT state FROM outbox")) > set()
    assert b"ConnectionError" in b"".join(part for part in places["traces"] if isinstance(part, bytes))
    if proof_size(test=0, prove=1):
        PAGE.write_text(page(places), "utf-8")


@pytest.mark.parametrize("kind", ["full name", "surname", "phone", "email", "street", "card"])
def test_the_scan_would_see_a_leak(kind: str) -> None:
    """Every secret in a text, in bytes, in other letters, and numbers as people write them."""
    for secret in secrets()[kind]:
        for told in (f"x{secret.upper()}x", b"\x81\xa5" + secret.encode() + b"\x00", f"a\n{secret}"):
            assert (kind, secret) in leaks(told)
        if secret.isdigit():
            assert (kind, secret) in leaks(f"({secret[:3]}) {secret[3:6]}-{secret[6:]}")
    assert found_in({"here": ["nothing"], "there": [people()["C-1001"].note]}).keys() == {"there"}


def test_no_surname_is_a_word_of_ours() -> None:
    """Or a hit would be no leak: none stands in a prompt, a template, the policy or the lexicons."""
    ours = [
        file.read_text("utf-8")
        for folder in ("prompts", "agent")
        for kind in ("md", "toml", "py")
        for file in (ROOT / folder).rglob(f"*.{kind}")
    ]
    assert len(ours) > 100
    assert leaks("\n".join(ours)) == []


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
