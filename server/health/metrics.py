"""What Prometheus is told: what this process counted, and how the installation stands by its database.

Counts and times are this process's own, so every process is a target of its own: the server at /metrics, each worker on
a port of its own. The gauges are the installation's and are read from the database when the server is asked.
"""

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from agent.deps import Deps
from server.health.ready import SILENT_SECONDS
from tools import sql
from tools.errors import Misconfigured

_SQL = sql.load("server.health")
_PORTS = 64  # as many workers as a machine may have
_log = structlog.get_logger()

SENDS = Counter(
    "dunwell_sends", "Messages that were handed to a channel, by what became of them.", ["channel", "state"]
)


async def exposition(deps: Deps) -> bytes:
    """Everything there is to tell, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Given(await _gauges(deps)))
    return generate_latest(REGISTRY) + generate_latest(registry)


async def _gauges(deps: Deps) -> list[Metric]:
    silent = {"silent_seconds": SILENT_SECONDS}
    lag = GaugeMetricFamily("dunwell_queue_lag_seconds", "How long the oldest turn has been due.")
    stalled = GaugeMetricFamily("dunwell_jobs_stalled", "Jobs held by workers without a sign of life.")
    workers = GaugeMetricFamily("dunwell_workers", "Workers that show a sign of life.")
    jobs = GaugeMetricFamily("dunwell_jobs", "Jobs in the queue.", labels=["queue", "state"])
    outbox = GaugeMetricFamily(
        "dunwell_outbox", "Messages that have not left yet.", labels=["channel", "state"]
    )
    approvals = GaugeMetricFamily("dunwell_approvals_waiting", "Approvals that wait.", labels=["kind", "age"])
    async with deps.pool.connection() as conn:
        for lagging, dead in await (await conn.execute(_SQL["queue"], silent)).fetchall():
            lag.add_metric([], lagging)
            stalled.add_metric([], dead)
        for (alive,) in await (await conn.execute(_SQL["workers"], silent)).fetchall():
            workers.add_metric([], alive)
        for family, query, given in (
            (jobs, "jobs", {}),
            (outbox, "outbox", {}),
            (approvals, "approvals", {"now": deps.clock.now()}),
        ):
            for one, other, count in await (await conn.execute(_SQL[query], given)).fetchall():
                family.add_metric([one, other], count)
    return [lag, stalled, workers, jobs, outbox, approvals]


class _Given(Collector):
    """Metrics that were read already: asking the database takes an event loop, which a collector has not."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    @override
    def collect(self) -> Iterable[Metric]:
        return self._metrics


@contextmanager
def exposed(host: str, port: int | None) -> Iterator[int | None]:
    """Serve this process's own counts on the first free port from `port` on, which is given; without a port, nowhere.

    Nobody is asked for a key there, so the address is the loopback unless somebody says otherwise.
    """
    if port is None:
        yield None
        return
    for number in range(port, min(port + _PORTS, 65536)):
        try:
            server, thread = start_http_server(number, addr=host)
        except OSError as taken:
            if taken.errno != errno.EADDRINUSE:
                raise Misconfigured(
                    f"Metrics cannot be served on {host}:{number}: {taken.strerror}."
                ) from taken
            continue
        _log.info("metrics_exposed", port=number)
        try:
            yield number
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
        return
    raise Misconfigured(f"No port from {port} on is free for metrics: set DUNWELL_METRICS_PORT.")
