"""One run: a story is played, the nemesis kills, and when everything has come to rest the books are checked."""

import asyncio
import json
import random
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from evals.chaos import cast
from evals.chaos.board import Board
from evals.chaos.books import Books, read_books
from evals.chaos.carriers import Carriers, Providers, reserve
from evals.chaos.checks import Violation, check
from evals.chaos.clients import Clients
from evals.chaos.company import Company
from evals.chaos.database import Database
from evals.chaos.director import Director
from evals.chaos.history import History
from evals.chaos.story import Review, Story, story
from evals.chaos.switches import Protection
from server.app import create_app
from tools import sql
from tools.channels.base import ChannelName

_SQL = sql.load("evals.chaos")
_TICK = 0.02
_BETWEEN_KILLS = 0.8  # seconds, on average
_ARRIVE_WITHIN = 60.0
_NOTHING_MOVES = 20.0  # seconds without any change: what is left by then is stuck
_LONGEST_REST = 120.0
_CLOCK_GOES = 20.0  # seconds on the run's clock, for each look at a service that is not at rest yet


@dataclass(frozen=True, slots=True)
class Terms:
    """How a run is played: its seed, the failpoint that its processes die at, and how many are killed at random."""

    seed: int
    point: str | None = None
    random_kills: int = 0
    without: Sequence[Protection] = ()
    providers: Providers = "stand-in"

    @property
    def name(self) -> str:
        """For files and reports."""
        return f"{self.point or 'random'}-{self.seed}"


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to."""

    terms: Terms
    violations: Sequence[Violation]
    kills: int
    kills_at: dict[str, int]
    hits: dict[str, int]
    recoveries: Sequence[float]
    turns: int
    seconds: float


def play(terms: Terms, conninfo: str, folder: Path, points: Sequence[str]) -> Result:
    """Play one run on a fresh database. The process that calls this has no event loop and no threads."""
    began = time.monotonic()
    # A person resolves dead letters only where there are some.
    rejects = 0.3 if (terms.point or "").startswith("outbox.") else 0.0
    plot = story(terms.seed, seconds=max(2.5, _BETWEEN_KILLS * terms.random_kills), rejects=rejects)
    # A person is told of an unknown fate only where the provider cannot be asked.
    can_say = plot.provider_can_say and terms.point != "reconcile.handed_over"
    stage = cast.Stage(Board(points), conninfo, folder, _free_port(), can_say, terms.without)
    stage.clock.set(cast.BEGIN)
    with Database(conninfo) as database, reserve() as door:
        if terms.providers == "twilio-sendgrid":
            app: int = door.getsockname()[1]
            carriers = Carriers(terms.seed, app, sms=stage.port, email=_free_port(), lists_texts=can_say)
            stage = replace(stage, carriers=carriers, app=create_app(carriers.settings()))
        run = _Run(terms, plot, stage, database)
        run.play()
    books = _read(conninfo)
    violations = check(run.history, books, stage.accepted())
    (folder / "history.json").write_text(json.dumps(run.history.as_json(), indent=1), "utf-8")
    (folder / "violations.txt").write_text("\n".join(map(str, violations)), "utf-8")
    return Result(
        terms, violations, len(run.history.killed), stage.board.kills(), stage.board.hits(),
        run.history.recoveries, len(books.episodes), time.monotonic() - began,
    )  # fmt: skip


def _read(conninfo: str) -> Books:
    """The books, even where the server is restarted meanwhile."""
    for _ in range(20):
        try:
            return asyncio.run(read_books(conninfo))
        except psycopg.OperationalError:
            time.sleep(0.5)
    return asyncio.run(read_books(conninfo))


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


@dataclass(slots=True)
class _Run:
    terms: Terms
    plot: Story
    stage: cast.Stage
    database: Database
    history: History = field(default_factory=History)
    clients: Clients = field(default_factory=Clients)
    customers: dict[ChannelName, Clients] = field(default_factory=dict)
    company: Company = field(init=False)
    director: Director = field(init=False)
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.terms.name)
        if self.stage.carriers:
            self.customers = {"sms": Clients(), "email": Clients()}
        self.company = Company(
            self.stage, self.database, self.clients, self.history, self.dice, self.plot.workers, self.terms.point,
            self.customers,
        )  # fmt: skip
        self.director = Director(
            self.clients, self.database, self.history, self.stage.clock, self.stage.providers, self.customers
        )

    def play(self) -> None:
        """The whole run. Everybody is gone when it ends."""
        self.history.owed = {row["id"]: row["balance_minor"] for row in self.database.rows(_SQL["invoices"])}
        try:
            self.company.start(self.terms.seed)
            until = time.monotonic() + _ARRIVE_WITHIN
            while not self.company.are_there() and time.monotonic() < until:
                self._tick()
            self._perform()
            self._come_to_rest()
        finally:
            self.company.end()
            for clients in (self.clients, *self.customers.values()):
                clients.hang_up()

    def _tick(self) -> None:
        self.company.mind()
        for clients in (self.clients, *self.customers.values()):
            clients.turn()
        time.sleep(_TICK)

    def _perform(self) -> None:
        """The acts at their times; at random times somebody is killed."""
        acts, last = list(self.plot.acts), self.plot.acts[-1][0]
        kills = sorted(self.dice.uniform(0.3, last) for _ in range(self.terms.random_kills))
        begin = time.monotonic()
        while acts or kills:
            elapsed = time.monotonic() - begin
            while acts and acts[0][0] <= elapsed:
                self.director.act(acts.pop(0)[1])
            while kills and kills[0] <= elapsed:
                kills.pop(0)
                self.company.kill_somebody()
            self._tick()

    def _come_to_rest(self) -> None:
        """Reviewers decide what waits, people resolve what was given up, the clock goes on: until nothing is left to do."""
        # A clock that was set back is set right again; what was claimed "in an hour" would wait for that hour.
        self.stage.clock.step(max(0.0, -self.plot.clock_error))
        began = moved_at = time.monotonic()
        reviews, before = 2, self._left()
        while (now := time.monotonic()) < min(moved_at + _NOTHING_MOVES, began + _LONGEST_REST):
            for _ in range(15):
                self._tick()
            left = self._left()
            if left != before:
                before, moved_at = left, now
            if any(left.values()):
                self.stage.clock.step(_CLOCK_GOES)
            elif self.director.resolve():
                moved_at = now
            elif reviews and self.director.waiting():
                reviews, moved_at = reviews - 1, now
                self.director.act(Review([("mona", "approve"), ("milo", "approve")]))
            else:
                return
        self.history.unfinished = self._left()

    def _left(self) -> dict[str, Any]:
        """What there is still to do by now: counts, all zero at rest."""
        now = self.stage.clock.now()
        [counts] = self.database.rows(_SQL["busy"], now=now, soon=now + timedelta(minutes=1))
        asked = sum(len(clients.open) for clients in (self.clients, *self.customers.values()))
        return {**counts, "answers of the server": asked}
