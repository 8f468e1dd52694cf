"""The service as a state machine: customers, reviewers, money, time and faults in any order, with a hostile model.

One machine after the other plays on one stage. Nothing here decides what is right: when a machine is at rest the
checker of the chaos harness reads the books, and the auditor what people and customers got to see.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from psycopg.types.json import Jsonb
from typing_extensions import override

from agent.approvals import decide, queries
from agent.approvals.model import Decision
from agent.cycle.sweep import sweep
from agent.cycle.work import waiting_for
from agent.engine.trigger import Trigger, inbound
from agent.models.hostile import hostile
from evals.chaos.books import read_books
from evals.chaos.checks import check
from evals.chaos.history import Click, History, Paid, Said
from server.cycle import handle
from server.inbound import accept
from server.jobs.queue import drop_turn
from server.jobs.turn import run_turn
from server.reading import timeline
from server.sender import dispatch_due, reconcile, retry
from tests.evals.chaos.auditor import audit
from tests.evals.chaos.fate import Fate
from tests.evals.chaos.stage import Stage
from tests.evals.chaos.words import (
    ANSWER_ENDS,
    CALLS,
    CUSTOMERS,
    FATES,
    PEOPLE,
    SEND_ENDS,
    TEXTS,
    TURN_ENDS,
    own,
)
from tests.server.jobs.working import Died, dying_at
from tests.world import COLLECTOR, NOW, reminder
from tools.channels.base import everywhere
from tools.errors import CollectionsError
from tools.memory import messages
from tools.memory.arrival import Arrival

T = TypeVar("T")
_LONGEST_REST = 60  # rounds


class Service(RuleBasedStateMachine):
    """One machine. What raises on purpose is an answer; everything else is a failure."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage, self.world, self.engine = stage, stage.world, stage.engine
        self.history = History()
        self.fate = Fate()
        self.provider = self.fate.provider()

    @initialize()
    def begin(self) -> None:
        """A customer in each mode, and the people who decide."""
        self.stage.empty()
        self.stage.machines += 1
        self.world.clock.advance(NOW - self.world.clock.now())
        for mode in CUSTOMERS:
            self.world.customer(mode, segment=mode)
            self.history.owed[f"inv-{mode}"] = self.world.sql(
                "SELECT balance_minor FROM invoice WHERE customer_id = %s", mode
            )[0]
        for user in PEOPLE.values():
            self.world.user(user)

    # ---------------------------------------------------------------- customers and money
    @rule(customer=st.sampled_from(CUSTOMERS), text=st.sampled_from(TEXTS), deliveries=st.integers(1, 2))
    def writes(self, customer: str, text: str, deliveries: int) -> None:
        """A message comes in, and may come in again."""
        said = Said(f"sid-{self.stage.ticks}", customer, text, deliveries=deliveries, first_at=self._step())
        self.history.said.append(said)
        for _ in range(deliveries):
            self._do(self._accept(said))
        said.acknowledged_at = self._tick()

    @rule(customer=st.sampled_from(CUSTOMERS))
    def pays(self, customer: str) -> None:
        """The ledger shows the invoice as paid, and tells."""
        self._step()
        if all(paid.customer_id != customer for paid in self.history.paid):
            self.world.paid(f"inv-{customer}", event=True)
            self.history.paid.append(Paid(customer, f"inv-{customer}", 100_000))

    @rule(minutes=st.sampled_from([1, 5, 30, 60, 600, 1440, 4320, -60]))
    def time_passes(self, minutes: int) -> None:
        """Time passes, or a clock is set back."""
        self.world.clock.advance(timedelta(minutes=minutes))
        self._step()

    # ---------------------------------------------------------------- turns
    @rule(
        customer=st.sampled_from(CUSTOMERS),
        calls=st.lists(st.sampled_from(CALLS), max_size=3),
        seed=st.one_of(st.none(), st.integers(0, 10**6)),
        ends=st.one_of(st.none(), st.none(), st.sampled_from(TURN_ENDS)),
        times=st.sampled_from([1, 1, 1, 2]),
    )
    def works(
        self, customer: str, calls: list[Mapping[str, Any]], seed: int | None, ends: str | None, times: int
    ) -> None:
        """What waits first for a customer has its turn: with a hostile model, twice at once, or up to a sudden end."""
        self._step()
        self._do(self._turn(customer, [own(call, customer) for call in calls], seed, ends, times))

    @rule(
        customer=st.sampled_from(CUSTOMERS),
        step=st.sampled_from(["reminder_1", "reminder_2", "formal_notice"]),
    )
    def is_planned(self, customer: str, step: str) -> None:
        """The day's plan has a step for the customer."""
        self.stage.mind = hostile([[own(reminder(["INVOICE"]), customer)]]).script
        self._step()
        self._do(self._handle(self.world.step(step, customer, f"inv-{customer}")))

    # ---------------------------------------------------------------- reviewers
    @rule(
        which=st.integers(0, 5),
        words=st.lists(
            st.tuples(st.sampled_from(sorted(PEOPLE)), st.sampled_from(["approve", "approve", "reject", "hand_up"])),
            min_size=1, max_size=3,
        ),
        ends=st.one_of(st.none(), st.none(), st.sampled_from(ANSWER_ENDS)),
    )  # fmt: skip
    def is_reviewed(self, which: int, words: list[tuple[str, str]], ends: str | None) -> None:
        """Reviewers click on one approval, all at once; the process may end in between."""
        waiting = self._do(self.world.pending())
        self._step()
        if waiting:
            self._do(self._review(waiting[which % len(waiting)], words, ends))

    # ---------------------------------------------------------------- departures, and what time alone changes
    @rule(
        fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=4),
        ends=st.one_of(st.none(), st.none(), st.sampled_from(SEND_ENDS)),
    )
    def sends(self, fates: list[str], ends: str | None) -> None:
        """What is due leaves, as far as the provider likes."""
        self.fate.ahead = list(fates)
        self._step()
        self._do(self._dying(dispatch_due(self.engine, everywhere(self.provider)), ends))
        self.fate.ahead = []

    @rule()
    def is_minded(self) -> None:
        """The chores: stranded answers, lapsed approvals, promises, messages that nobody settled."""
        self.stage.mind = hostile().script
        self._step()
        self._do(self._chores())

    # ---------------------------------------------------------------- the end
    @override
    def teardown(self) -> None:
        """Everything comes to rest, and the books are checked."""
        if self.stage.machines and self.world.count("customer"):
            self._do(self._rest())
            books = self._do(read_books(self.world.conninfo))
            shown = self._do(self._conversations())
            self.stage.reached.update(f"outbox {row['state']}" for row in books.outbox)
            self.stage.reached.update(f"approval {row['state']}" for row in books.approvals)
            self.stage.reached.update(f"decision {row['verdict']}" for row in books.decisions)
            violations = [
                *check(self.history, books, self.fate.accepted), *audit(self.world, books, self.provider, shown)
            ]  # fmt: skip
            assert not violations, "\n".join(map(str, violations))

    async def _rest(self) -> None:
        """What is left is done; a manager says yes to whatever waits; and a day later all of that has left."""
        await self._settle()
        for approval_id in await self.world.pending():
            await self._review(approval_id, [("mona", "approve")], None)
        self.world.clock.advance(timedelta(days=1))
        await self._settle()

    async def _settle(self) -> None:
        self.stage.mind = hostile().script
        for _ in range(_LONGEST_REST):
            for customer in CUSTOMERS:
                await self._turn(customer, [], None, None, 1)
            for job in self.world.sql(
                "SELECT args FROM procrastinate_jobs WHERE task_name = 'turn' ORDER BY id"
            ):
                # Its process ended between the commit and the end of the job: it is run again, and nothing happens.
                await run_turn(self.engine, **job, attempts=0)
                self.world.sql("DELETE FROM procrastinate_jobs WHERE args = %s", Jsonb(job))
            await dispatch_due(self.engine, everywhere(self.provider))
            await self._chores()
            for [outbox_id] in self._given_up():
                await retry(self.engine, outbox_id, COLLECTOR)
            self.world.clock.advance(timedelta(minutes=11))
            if not any(self._left().values()):
                return
        self.history.unfinished = self._left()

    def _given_up(self) -> list[Any]:
        return self.world.beside.execute(
            "SELECT id FROM outbox WHERE state = 'failed' AND attempts < 2"
        ).fetchall()

    def _left(self) -> dict[str, int]:
        now = self.world.clock.now()
        return {
            "messages": self.world.count("message", "direction = 'in' AND handled_at IS NULL"),
            "events": self.world.count("ledger_event", "handled_at IS NULL"),
            "answers": self.world.count("approval", "state = 'resuming'"),
            "checks": self.world.count("outbox", "check_at IS NOT NULL OR state = 'sending'"),
            "departures": len(
                self.world.sql("SELECT id FROM outbox WHERE state = 'queued' AND not_before <= %s", now)
            ),
        }

    # ---------------------------------------------------------------- how
    async def _conversations(self) -> list[list[dict[str, Any]]]:
        return [await timeline(self.world.pool, customer) for customer in CUSTOMERS]

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.stage.run.run(work)

    def _step(self) -> float:
        self.stage.steps += 1
        return self._tick()

    def _tick(self) -> float:
        """The time that the history is written in."""
        self.stage.ticks += 1
        return float(self.stage.ticks)

    async def _accept(self, said: Said) -> None:
        [address] = self.world.sql(
            "SELECT address FROM contact WHERE customer_id = %s AND channel = 'sms'", said.customer_id
        )
        await accept(self.world.pool, Arrival(channel="sms", address=address, body=said.body, at=self.world.clock.now(),
            provider_id=said.sid))  # fmt: skip

    async def _turn(
        self, customer: str, calls: list[Any], seed: int | None, ends: str | None, times: int
    ) -> None:
        trigger = await self._first(customer)
        if trigger is None:
            return
        self.stage.mind = hostile([calls], seed=seed, rounds=2).script
        with suppress(Died):
            if ends is None:
                await asyncio.gather(*(self._handle(trigger) for _ in range(times)))
            else:
                with dying_at(ends):
                    await self._handle(trigger)

    async def _first(self, customer: str) -> Trigger | None:
        async with self.world.pool.connection() as conn:
            for message_id, owner in await messages.unhandled(conn, limit=1000):
                if owner == customer:
                    return inbound(customer, message_id)
            waiting = await waiting_for(conn, customer_id=customer, now=self.world.clock.now())
        return waiting[0] if waiting else None

    async def _handle(self, trigger: Trigger) -> None:
        try:
            await handle(self.engine, trigger)
        except CollectionsError:
            return  # it waits, and is tried again
        async with self.world.pool.connection() as conn:
            await drop_turn(conn, trigger)

    async def _review(self, approval_id: str, words: list[tuple[str, str]], ends: str | None) -> None:
        async with self.world.pool.connection() as conn:
            approval = await queries.read_approval(conn, approval_id=approval_id)
        clicks = []
        for name, word in words:
            user = PEOPLE[name]
            clicks.append(Click(approval_id, approval.digest, word, name, user.role, user.limit_minor))
        self.history.clicks += clicks
        for click in clicks[:1] if ends else ():
            await self._dying(self._click(click), ends)
        await asyncio.gather(*(self._click(click) for click in clicks[1 if ends else 0 :]))

    async def _click(self, click: Click) -> None:
        decision = Decision.model_validate({"decision": click.decision, "action_digest": click.digest})
        try:
            decided = await decide.decide(self.engine, click.approval_id, decision, PEOPLE[click.user])
        except CollectionsError as refused:
            click.answer = type(refused).__name__
        else:
            click.answer, click.took_effect = decided.state, decided.took_effect

    async def _chores(self) -> None:
        await sweep(self.engine)
        await reconcile(self.engine, dict.fromkeys(("sms", "email"), self.provider))

    @staticmethod
    async def _dying(work: Coroutine[Any, Any, Any], ends: str | None) -> None:
        others = asyncio.all_tasks()
        try:
            with dying_at(ends or ""):
                await work
        except (Died, CollectionsError):
            pass
        finally:
            # With a process ends everything that it had begun.
            begun = asyncio.all_tasks() - others
            for task in begun:
                task.cancel()
            await asyncio.gather(*begun, return_exceptions=True)
