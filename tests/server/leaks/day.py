"""A whole day of the product on the sample ledger, with everything at its side that hears of it: what each of them was told."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import langsmith
import pytest
import structlog
from langchain_core.messages import AIMessage, BaseMessage
from typing_extensions import override

from agent.approvals.model import Decision, User
from agent.engine.run import Engine
from agent.engine.saver import BufferedSaver
from agent.models.offline import OfflineCollector
from agent.models.scripted import ScriptedModel
from agent.policy.document import load_policy
from server.conversation import hear
from server.cycle import run_cycle
from server.deciding import decide_and_follow
from server.demo.acts import CONVERSATIONS
from server.demo.stage import NOW
from server.health.metrics import exposition
from server.imports import import_and_handle
from server.jobs.schedule import CHORES, Chore, Hands
from server.tracing import set_tracing
from tests.server.jobs.working import unhandled, until, worker, writes
from tests.server.leaks.ledger import Person, people, write
from tests.server.test_tracing import collecting, settings
from tests.world import World
from tools.channels.base import Outbound, Receipt, Rejected, everywhere
from tools.channels.local import LocalChannel
from tools.errors import Unavailable

DANA = User("dana", "manager", 100_000_000)
_TEXTED = (
    "SELECT customer_id FROM contact WHERE channel = 'sms' AND customer_id > 'C-1005' ORDER BY 1 LIMIT 3"
)
_CHECKPOINTS = ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
# Tables in which people, their words and what we wrote to them stand: an erasure goes through them. Every other table may
# hold ids and figures of them only, and so may every table of tomorrow.
OURS = {
    "customer", "contact", "invoice", "invoice_line", "payment", "credit_memo", "message", "approval", "standing_fact", "follow_up",
    "dispute", "hold", "outbox", "ledger_request",
}  # fmt: skip


@dataclass
class Day:
    """What was told to each place that is no table of ours, as it came."""

    prompts: list[str | bytes] = field(default_factory=list)
    state: list[str | bytes] = field(default_factory=list)
    checkpoints: list[str | bytes] = field(default_factory=list)
    logs: list[str | bytes] = field(default_factory=list)
    metrics: list[str | bytes] = field(default_factory=list)
    traces: list[str | bytes] = field(default_factory=list)
    jobs: list[str | bytes] = field(default_factory=list)
    decisions: list[str | bytes] = field(default_factory=list)
    tables: list[str | bytes] = field(default_factory=list)

    def places(self) -> Mapping[str, list[str | bytes]]:
        """Each place by its name."""
        return vars(self)


class Talkative(LocalChannel):
    """A provider whose errors quote the message and whom it is for: of five messages it takes three."""

    def __init__(self) -> None:
        self._asked = 0

    @override
    async def send(self, message: Outbound) -> Receipt:
        self._asked += 1
        if self._asked % 5 == 1:
            raise Rejected("21610", f"{message.to} refuses {message.body}")
        if self._asked % 5 == 2:
            raise Unavailable(f"no answer for {message.to}: {message.body}")
        return await super().send(message)


async def gossip(_: Hands) -> None:
    """A chore that fails with all it knows."""
    raise RuntimeError(" ".join(person.note for person in people().values()))


def _quotes(messages: Sequence[BaseMessage], _tools: object) -> AIMessage:
    told = " ".join(message.text for message in messages)
    raise ConnectionError(f"{told} {' '.join(person.note for person in people().values())}")


def _words(person: Person, words: str) -> str:
    return f"{words} I am {person.name}, {person.street}. Call {person.phone} or write to {person.email}, card {person.card}."


async def live(
    world: World, folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Day:
    """Import, cycle, conversations, a worker, the sender and people who decide; models, providers and chores that fail."""
    day = Day()
    world.clock.advance(datetime.fromisoformat(NOW) - world.clock.now())
    world.user(DANA)
    _watch(world, day, monkeypatch)
    ledger = write(folder)
    policy = load_policy(ledger / "policy.toml")
    offline = OfflineCollector()
    model = ScriptedModel(script=offline._answer)  # the built-in model as it is, with an ear
    broken = ScriptedModel(script=_quotes)
    engine, failing = world.engine(model, policy=policy), world.engine(broken, policy=policy)
    caplog.set_level(logging.DEBUG)
    with collecting() as (endpoint, heard), structlog.testing.capture_logs() as events:
        set_tracing(settings(endpoint, langsmith_tracing=True))
        await _work(world, ledger, engine, failing, day)
        langsmith.run_trees.get_cached_client().flush()
    day.prompts += [str(message) for asked in (*model.asked, *broken.asked) for message in asked]
    day.logs += [str(event) for event in events if "exc_info" not in event]
    day.logs += [
        str({**event, "exc_info": type(event["exc_info"]).__name__})
        for event in events
        if "exc_info" in event
    ]
    day.logs += [f"{record.name} {record.getMessage()}" for record in caplog.records]
    day.metrics.append(await exposition(engine.deps))
    day.traces += heard
    day.jobs += world.sql("SELECT told FROM told_jobs")
    day.decisions += world.sql(
        "SELECT d::text || coalesce(a::text, '') FROM decision d LEFT JOIN decision_args a ON a.decision_id = d.id"
    )
    for table in world.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        if table not in {*OURS, *_CHECKPOINTS, "told_jobs"}:
            day.tables += world.sql(f"SELECT t::text FROM {table} t")
    return day


async def _work(world: World, ledger: Path, engine: Engine, failing: Engine, day: Day) -> None:
    channel, known = Talkative(), people()
    await import_and_handle(engine, ledger, imported_by="test")
    await run_cycle(engine, everywhere(channel))
    for customer_id, words in CONVERSATIONS:
        await hear(
            engine, everywhere(channel), customer_id=customer_id, body=_words(known[customer_id], words)
        )
        await hear(
            failing, everywhere(channel), customer_id=customer_id, body=_words(known[customer_id], words)
        )
    day.checkpoints += _raw(world)
    for number, row in enumerate(
        world.sql(
            "SELECT id, digest, customer_id FROM approval WHERE state = 'pending' AND kind = 'send' LIMIT 4"
        )
    ):
        word = ("approve", "reject")[number % 2]
        reason = known[row[2]].note if word == "reject" else ""
        decision = Decision.model_validate({"decision": word, "action_digest": row[1], "reason": reason})
        await decide_and_follow(engine, everywhere(channel), row[0], decision, DANA)
    chores = (*CHORES, Chore("gossip", "* * * * * *", gossip))
    async with worker(engine, chores=chores), worker(failing, chores=chores):
        for customer_id in world.sql(_TEXTED):
            for words in ("How much do I owe?", "This is not right, I do not pay that."):
                await writes(world, _words(known[customer_id], words), customer_id)
        await until(lambda: not unhandled(world))
        await until(
            lambda: world.count("told_jobs", "position('gossip' IN told) * position('failed' IN told) > 0")
        )
    day.checkpoints += _raw(world)


def _raw(world: World) -> list[str | bytes]:
    """Every column of every checkpoint, bytes as they are."""
    return [
        value if isinstance(value, bytes) else str(value)
        for table in _CHECKPOINTS
        for row in world.sql(f"SELECT * FROM {table}")
        for value in row
    ]


def _watch(world: World, day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is only there for a moment: the graph's state in memory, and jobs that are deleted when they are done."""
    for name in ("aput", "aput_writes"):
        kept = getattr(BufferedSaver, name)

        async def keep(self: BufferedSaver, *given: Any, _kept: Any = kept) -> Any:
            day.state.append(
                repr(given[1:])
            )  # what comes first is where it is, with all that the run has at hand
            return await _kept(self, *given)

        monkeypatch.setattr(BufferedSaver, name, keep)
    world.sql("CREATE TABLE told_jobs (told text)")
    world.sql(
        "CREATE FUNCTION tell_job() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO told_jobs VALUES (NEW::text); RETURN NULL; END $$"
    )
    world.sql(
        "CREATE TRIGGER told AFTER INSERT OR UPDATE ON procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION tell_job()"
    )
