"""The company: the processes of a run, the nemesis that ends them, and the supervisor that starts them again."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from evals.chaos import cast
from evals.chaos.board import Doom
from evals.chaos.clients import Clients
from evals.chaos.database import Database
from evals.chaos.history import History, Killed
from tools import sql
from tools.channels.base import ChannelName

_SQL = sql.load("evals.chaos")
_MOST_DOOMS = 2  # processes that die at the failpoint in one run: the second one may do so while it recovers
_RARE = ("outbox.", "reconcile.", "cycle.")  # reached once or twice in a run
_LOOK = 0.05  # seconds between looks for the turns that a dead worker was running


@dataclass(slots=True)
class _Lost:
    """Turns that a killed worker was running, and when its replacement started."""

    jobs: list[int]
    since: float


@dataclass(slots=True)
class Company:
    """Providers, a server and some workers. `point` is the failpoint that they die at, if there is one."""

    stage: cast.Stage
    database: Database
    clients: Clients
    history: History
    dice: random.Random
    workers: int
    point: str | None
    customers: Mapping[ChannelName, Clients]  # their lines to the fakes
    _providers: int = 0  # the first so many actors
    _actors: list[cast.Actor] = field(default_factory=list)
    _lost: list[_Lost] = field(default_factory=list)
    _looked: float = 0.0

    def start(self, seed: int) -> None:
        """Start everybody; `seed` is the provider's."""
        if self.stage.carriers is None:
            self._actors = [cast.provider(self.stage, seed)]
        for channel, line in self.customers.items():
            if self.stage.carriers is not None:
                with line.connect() as theirs:
                    self._actors.append(cast.fake(self.stage, self.stage.carriers, channel, theirs))
        self._providers = len(self._actors)
        for role in ("server", *("worker" for _ in range(self.workers))):
            self._actors.append(self._start(role, self._doom()))

    def are_there(self) -> bool:
        """Whether every worker has said that it is there."""
        return len(self.database.rows(_SQL["workers"])) >= self.workers

    def end(self) -> None:
        """Kill everybody."""
        for actor in self._actors:
            actor.kill()

    def mind(self) -> None:
        """Note who has ended and start them again; see whether what they were doing is done."""
        for n, actor in enumerate(self._actors):
            code = actor.ended()
            if code == cast.AWAY:
                self._actors[n] = self._start(actor.role, None)
            elif code is not None:
                if code >= 0:
                    self.history.unexpected.append(f"the {actor.role} ended with {code}; see its log")
                if n < self._providers:
                    raise RuntimeError(f"The {actor.role}, which nobody kills, has ended; see its log.")
                self._replace(n, actor, actor.doom.point if actor.doom else None)
        now = time.monotonic()
        if self._lost and now - self._looked > _LOOK:
            self._looked = now
            self._see_recoveries(now)

    def kill_somebody(self) -> None:
        """SIGKILL for one of them, at whatever moment it is; the provider is not ours to kill."""
        n = self.dice.randrange(self._providers, len(self._actors))
        actor = self._actors[n]
        actor.kill()
        self._replace(n, actor, None)

    def _doom(self) -> Doom | None:
        return (
            Doom(self.point, 1 if self.point.startswith(_RARE) else self.dice.choice((1, 1, 2, 3)))
            if self.point
            else None
        )

    def _start(self, role: str, doom: Doom | None) -> cast.Actor:
        if role != "server":
            return cast.worker(self.stage, doom)
        with self.clients.connect() as line:
            return cast.server(self.stage, doom, line)

    def _replace(self, n: int, actor: cast.Actor, point: str | None) -> None:
        self.history.killed.append(Killed(actor.role, point))
        again = len(self.history.killed) < _MOST_DOOMS and self.dice.random() < 0.5
        # With several workers nobody can tell whose turns these are.
        if actor.role == "worker" and self.workers == 1:
            # Whoever was to recover earlier losses is dead, too: they are counted from this restart on.
            jobs = [row["id"] for row in self.database.rows(_SQL["doing"])]
            jobs += [job for lost in self._lost for job in lost.jobs if job not in jobs]
            self._lost = [_Lost(jobs, time.monotonic())] if jobs else []
        self._actors[n] = self._start(actor.role, self._doom() if again else None)

    def _see_recoveries(self, now: float) -> None:
        for lost in self._lost:
            left = [row["id"] for row in self.database.rows(_SQL["unfinished"], ids=lost.jobs)]
            self.history.recoveries += [round(now - lost.since, 3)] * (len(lost.jobs) - len(left))
            lost.jobs = left
        self._lost = [lost for lost in self._lost if lost.jobs]
