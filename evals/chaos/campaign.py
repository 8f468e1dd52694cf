"""A campaign: many runs side by side, each on a database of its own, and what they came to together."""

import gc
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from psycopg import sql as composed

from evals.bench import people
from evals.bench.meter import percentile
from evals.bench.place import Place, circumstances, own_place
from evals.chaos import cast, points
from evals.chaos.books import observe
from evals.chaos.checks import count
from evals.chaos.database import Database
from evals.chaos.director import REVIEWERS
from evals.chaos.run import Result, Terms, play
from evals.chaos.story import CUSTOMERS
from server.embedded import ensure_running, status, stop
from tools import sql

_SQL = sql.load("evals.chaos")
_CONNECTIONS = 400
_BETWEEN_RESTARTS = 15.0  # seconds
RECOVERY_LIMIT = 5.0  # seconds from a restart to the lost turn's commit, at the 95th percentile


@dataclass(frozen=True, slots=True)
class Campaign:
    """All results, and the failpoints that were asked to be reached."""

    results: Sequence[Result]
    wanted: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """The totals."""
        violations = [violation for result in self.results for violation in result.violations]
        recoveries = [seconds for result in self.results for seconds in result.recoveries]
        hits, kills = Counter[str](), Counter[str]()
        for result in self.results:
            hits.update(result.hits)
            kills.update(result.kills_at)
        return {
            "runs": len(self.results),
            "kills": sum(result.kills for result in self.results),
            "turns": sum(result.turns for result in self.results),
            **count(violations),
            "recovery_p95_s": round(percentile(recoveries, 95), 2) if recoveries else None,
            "recoveries": len(recoveries),
            "never_reached": [name for name in self.wanted if not hits[name]],
            "failpoints": {
                name: {"hits": hits[name], "kills": kills[name]} for name in sorted(set(hits) | set(self.wanted))
            },
            "violations": [
                {
                    "kind": v.kind, "rule": v.rule, "subject": v.subject, "why": v.why, "seed": r.terms.seed,
                    "failpoint": r.terms.point,
                }
                for r in self.results for v in r.violations
            ][:100],
        }  # fmt: skip

    def failed(self) -> bool:
        """A promise was broken, a failpoint never reached, or recovery took too long."""
        totals = self.as_json()
        slow = (totals["recovery_p95_s"] or 0.0) > RECOVERY_LIMIT
        return bool(totals["violations"] or totals["never_reached"] or slow)


Progress = Callable[[Result], None]


def wage(
    terms: Sequence[Terms],
    *,
    side_by_side: int,
    restart_database: bool = False,
    keep: Path | None = None,
    progress: Progress | None = None,
) -> tuple[list[Result], dict[str, Any]]:
    """Play all these runs, so many side by side: what they came to, and the circumstances.

    `restart_database`: the server is killed again and again meanwhile. `keep`: where the history and the logs of runs
    with violations go.
    """
    names = points.names()
    with _stage_set() as place:
        # What every process needs is read and compiled before the first fork; nothing below opens a loop in this one.
        cast.warm_up()
        gc.freeze()
        results = []
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(side_by_side, mp_context=context) as pool:
            runs = {pool.submit(_play, one, place, names, keep) for one in terms}
            restart_at = time.monotonic() + _BETWEEN_RESTARTS
            while runs:
                ended, runs = wait(runs, timeout=1.0, return_when=FIRST_COMPLETED)
                for run in ended:
                    results.append(run.result())
                    if progress is not None:
                        progress(results[-1])
                if restart_database and time.monotonic() > restart_at:
                    _restart(place)
                    restart_at = time.monotonic() + _BETWEEN_RESTARTS
        where = circumstances(place)
    return sorted(results, key=lambda result: (result.terms.point or "", result.terms.seed)), where


def _restart(place: Place) -> None:
    """The database server dies at once, without a word to anybody, and is started again."""
    pid = status(place.server.data_dir).pid
    if pid is not None:
        os.kill(pid, signal.SIGQUIT)
    ensure_running(place.server.data_dir)


@contextmanager
def _stage_set() -> Iterator[Place]:
    """A server with room for everybody, and on it a database with the cast, to be cloned."""
    with own_place() as place:
        with place.admin() as admin:
            admin.execute(composed.SQL("ALTER SYSTEM SET max_connections = {}").format(_CONNECTIONS))
            # We end processes, not the machine: what a dying server has handed to the kernel is not lost.
            admin.execute("ALTER SYSTEM SET fsync = off")
        stop(place.server.data_dir)
        ensure_running(place.server.data_dir)
        people.settle(place, CUSTOMERS)
        with place.admin() as admin:
            admin.execute(_SQL["cast"], {"segments": list(cast.SEGMENTS), "now": cast.BEGIN})
            for name, (role, limit) in REVIEWERS.items():
                admin.execute(
                    _SQL["reviewer"], {"name": name, "role": role, "limit_minor": limit, "now": cast.BEGIN}
                )
            observe(admin)
        yield place


def _play(terms: Terms, place: Place, names: Sequence[str], keep: Path | None) -> Result:
    """One run on a clone of its own, in a process of the pool."""
    name = f"chaos_{uuid4().hex[:12]}"
    folder = Path(tempfile.mkdtemp(prefix="dunwell-chaos-"))
    clone = composed.SQL("CREATE DATABASE {} TEMPLATE {} OWNER dunwell")
    drop = composed.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    with Database(place.server.admin_conninfo()) as admin:
        admin.rows(clone.format(composed.Identifier(name), composed.Identifier(place.database)))
        try:
            result = play(terms, place.server.app_conninfo(name), folder, names)
            if result.violations and keep is not None:
                shutil.copytree(folder, keep / terms.name, dirs_exist_ok=True)
            return result
        finally:
            admin.rows(drop.format(composed.Identifier(name)))
            shutil.rmtree(folder, ignore_errors=True)
