"""The booth in which approvals are decided: a case's steps, one after the other, on the product's own engine."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import ClientCursor
from psycopg.rows import dict_row

from agent.approvals import decide as deciding
from agent.approvals.model import Decision, User
from agent.cycle.sweep import sweep
from agent.engine.run import Engine
from agent.policy.document import parse_policy
from agent.policy.gate import Gate
from evals.approval import case as steps
from evals.approval.case import Action, Answer, Case, Edit
from evals.approval.crash import Died, Mortal, armed
from evals.approval.forgery import resume_past_the_service, write_an_answer
from evals.bench.place import Place
from evals.chaos.history import Click
from evals.scenarios.minds import complete
from evals.scenarios.play import CHANNELS, Product
from evals.scenarios.scenario import Call, Says, Scenario
from server.cycle import handle_waiting
from server.deciding import decide_and_follow
from server.sender import dispatch_due
from tools import sql
from tools.errors import CollectionsError

_SQL = sql.load("evals.approval")
_PEOPLE = {
    user.name: user
    for user in (
        User("vera", "viewer", 10**9), User("carla", "collector", 500_000), User("tina", "manager", 100),
        User("mona", "manager", 10**9), User("milo", "manager", 10**9), User("ada", "admin", 10**9),
    )
} | {"poor mona": User("mona", "manager", 100)}  # fmt: skip
_TIGHTER: dict[str, tuple[str, str]] = {
    "policy observes": ('mode = "draft"\n', 'mode = "observe"\n'),
    "policy wants two": ("", '[approval]\nfour_eyes_above = "100.00"\n'),
    "policy wants a manager": ("", '[limits.collector]\nplan_total = "500.00"\n'),
}
_SAYS: dict[str, tuple[str, Call | None]] = {
    "opted-out": ("STOP", None),
    "thanks": ("Thank you, talk soon.", None),
    "promised": (
        "I will pay 100 on March 13.",
        Call(tool="log_collection_activity", args={"record": {"kind": "promise", "payments": [{"amount": "100.00", "on": "2026-03-13"}]}}),
    ),
    "planned": (
        "Let me pay in 5 weekly parts.",
        Call(tool="log_collection_activity", args={"record": {"kind": "plan_request", "instalments": 5, "every": "week"}}),
    ),
}  # fmt: skip


@dataclass(slots=True)
class Booth:
    """One case at a time, on a product whose model is the oracle."""

    product: Product
    conn: psycopg.Connection[dict[str, Any]]
    clicks: list[Click] = field(default_factory=list)
    told: list[str] = field(default_factory=list)  # what differs from what should be told
    others: set[str] = field(default_factory=set)  # approvals that are no part of the case
    engine: Engine = field(init=False)
    _scenario: Scenario = field(init=False)
    _action: Action = field(init=False)
    first: str = field(init=False)
    _turns: int = field(init=False)
    _on_the_way: dict[str, str] = field(default_factory=dict)  # failpoint to move

    async def play(self, case: Case) -> None:
        """Ask, and let everything happen. Raises AssertionError where it is not asked in the first place."""
        self.clicks, self.told, self.others, self._on_the_way = [], [], set(), {}
        self.engine, self._action, self._scenario, self._turns = (
            self.product.engine,
            case.action,
            case.scenario(),
            1,
        )
        await self.product.begin(self._scenario)
        self._write("users", now=self._scenario.now)
        failed = await self.product.step(self._scenario, 1, self._scenario.turns[0], self._scenario.now)
        asked = self.rows("approvals_by_age")
        if failed or len(asked) != 1:
            raise AssertionError(f"{case.id}: {len(asked)} approvals were asked: {failed}")
        self.first = asked[0]["id"]
        for step in case.event.steps:
            await self._step(step)

    def rows(self, block: str) -> list[dict[str, Any]]:
        """The rows of one of this package's queries."""
        return self._write(block)

    def _write(self, block: str, **given: Any) -> list[dict[str, Any]]:
        cursor = ClientCursor(self.conn, row_factory=dict_row)
        cursor.execute(_SQL[block], given)
        return cursor.fetchall() if cursor.description else []

    async def _step(self, step: steps.Step) -> None:
        match step:
            case steps.Click():
                self._heard(step, await self._answers(self.engine, step))
            case steps.Together(clicks=answers):
                await self._together(answers)
            case steps.Moves(what=what, at=None):
                await self._moves(what)
            case steps.Moves(what=what, at=str(at)):
                self._on_the_way[at] = what
            case steps.Passes(minutes=minutes):
                self.product.clock.advance(timedelta(minutes=minutes))
                self.product.stage.read_again(self.product.clock.now())
            case steps.Sweeps():
                await self._sweeps(self.engine)
            case steps.Breaks():
                await self._breaks(step)
            case steps.Forges(how=how):
                await self._forges(how)

    # ---- answers -----------------------------------------------------------------------------------------------------

    async def _answers(self, engine: Engine, answer: Answer) -> str:
        """What somebody is told: `effect`, `none`, or the name of an error."""
        if answer.who == "sweep":
            await self._sweeps(engine)
            return "none"
        user, approval_id = _PEOPLE[answer.who], self._which(answer)
        shown = next(
            (row["digest"] for row in self.rows("approvals_by_age") if row["id"] == approval_id), "none"
        )
        digest = shown if answer.digest == "shown" else shown[::-1]
        decision = Decision.model_validate(
            {
                "decision": answer.word,
                "action_digest": digest,
                "reason": answer.note,
                "edited_args": self._edited(answer.edit) if answer.edit else None,
            }
        )
        if answer.note and self._action.again:
            self.product.mind.begins(Says(do="says", text="-", oracle=[self._action.again]), lambda: None)
        self.clicks.append(Click(approval_id, digest, answer.word, user.name, user.role, user.limit_minor))
        try:
            with self._meanwhile():
                decided = await decide_and_follow(engine, CHANNELS, approval_id, decision, user)
        except CollectionsError as no:
            return type(no).__name__
        return "effect" if decided["took_effect"] else "none"

    def _heard(self, click: steps.Click, told: str) -> None:
        if click.told != "any" and told not in click.told.split("|"):
            self.told.append(f"{click.who} ({click.word}) is told {told}, not {click.told}")

    async def _together(self, answers: Sequence[Answer]) -> None:
        told = await asyncio.gather(*(self._answers(self.engine, answer) for answer in answers))
        heard = [word for answer, word in zip(answers, told, strict=True) if answer.who != "sweep"]
        counted = [word for word in heard if word in ("effect", "none")]
        if heard and (len(counted) != 1 or set(heard) - {"AlreadyDecided", *counted}):
            self.told.append(f"at the same moment they are told {', '.join(heard)}")

    def _which(self, answer: Answer) -> str:
        if answer.of == "nothing":
            return "ap-0"
        waiting = [row["id"] for row in self.rows("approvals_by_age") if row["state"] == "pending"]
        again = [each for each in waiting if each != self.first and each not in self.others]
        return again[-1] if answer.of == "again" and again else self.first

    def _edited(self, edit: Edit) -> dict[str, Any]:
        own = self._action
        wanted = complete(Call(tool=own.call.tool, args=own.edit))
        match edit:
            case "wanted":
                return wanted
            case "denied words":
                return {**wanted, "template": None, "body": "Pay today or you go to jail."}
            case "invented figure":
                return {**wanted, "template": None, "body": "You owe $5,432.10."}
            case "another customer":
                return {**wanted, "customer_id": "somebody-else"}
            case "another tool":
                follow_up = {"kind": "review", "on": None, "in_days": 1, "reason": "look"}
                return {"record": {"kind": "note", "text": "x"}} if own.effect == "follow_up" else follow_up

    # ---- the world ---------------------------------------------------------------------------------------------------

    async def _moves(self, what: str) -> None:
        if what in _SAYS:
            await self._says(*_SAYS[what])
        elif what in _TIGHTER:
            self.engine = self._under(*_TIGHTER[what])
            await self.engine.open()
        elif what in ("paid", "partly-paid"):
            self._pays(what)
        elif what == "withdrawn":
            await deciding.close(self.engine, self.first, "withdraw", "the customer called")
        else:
            self._write(what.replace(" ", "_").replace("-", "_"))

    def _pays(self, what: str) -> None:
        now, part = self.product.clock.now(), "100.00" if what == "partly-paid" else None
        self.product.stage.pays(self._turns, "QB-1", part, now)

    async def _says(self, text: str, call: Call | None) -> None:
        """The customer writes; what has to be asked of that is approved at once."""
        known = {row["id"] for row in self.rows("approvals_by_age")}
        self._turns += 1
        turn = Says(do="says", channel="sms", text=text, oracle=[call] if call else [])
        failed = await self.product.step(self._scenario, self._turns, turn, self.product.clock.now())
        if failed:
            raise AssertionError(failed)
        for row in self.rows("approvals_by_age"):
            if row["id"] not in known and row["replaces"] is None:
                self.others.add(row["id"])
                yes = Decision(decision="approve", action_digest=row["digest"])
                await decide_and_follow(self.engine, CHANNELS, row["id"], yes, _PEOPLE["mona"])
                self.clicks.append(Click(row["id"], row["digest"], "approve", "mona", "manager", 10**9))

    def _under(self, before: str, after: str) -> Engine:
        text = self.product.engine.deps.gate.policy.text
        if before:
            text = text.replace(before, after).replace('mode = "assisted"\n', after)
        else:
            text += after
        return Engine(replace(self.product.engine.deps, gate=Gate(parse_policy(text))))

    async def _sweeps(self, engine: Engine) -> None:
        await sweep(engine)
        await handle_waiting(engine, customer_id=self._scenario.id)
        await dispatch_due(engine, CHANNELS)

    # ---- crashes -----------------------------------------------------------------------------------------------------

    async def _breaks(self, step: steps.Breaks) -> None:
        pool = Mortal(self.engine.deps.pool)
        engine = Engine(replace(self.engine.deps, pool=pool))

        def break_off(place: str) -> None:
            if place == step.at:
                pool.dead = step.do == "dies"
                raise Died if pool.dead else RuntimeError(place)

        with armed(break_off):
            try:
                told = await self._answers(engine, step)
            except (Died, RuntimeError):
                return
        self.told.append(f"{step.at} was not reached: {told}")

    @contextmanager
    def _meanwhile(self) -> Iterator[None]:
        """What is to happen when a click has come as far as a failpoint."""
        if not self._on_the_way:
            yield
            return

        def move(place: str) -> None:
            if what := self._on_the_way.pop(place, None):
                self._pays(what)

        with armed(move):
            yield

    async def _forges(self, how: str) -> None:
        if how == "resume":
            await resume_past_the_service(self.engine, self.first)
        elif how == "write":
            await write_an_answer(self.engine, self.first)
        else:
            self._write(how)


@asynccontextmanager
async def booth(place: Place, product: Product) -> AsyncIterator[Booth]:
    """A booth on the product's own database, with a look at it from beside."""
    with psycopg.connect(
        place.server.admin_conninfo(place.database), autocommit=True, row_factory=dict_row
    ) as conn:
        yield Booth(product, conn)
