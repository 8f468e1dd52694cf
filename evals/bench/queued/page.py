"""The Markdown pages of what goes through the queue."""

from collections.abc import Mapping
from typing import Any

from evals.bench.page import configurations, machine, promised, spread, table

_STAGES = {
    "began - stored": "storing (message and job, one transaction)",
    "stored - picked_up": "waiting for a worker (notified, fetched)",
    "picked_up - deliberated": "deliberating (account, memory, model, rulings)",
    "deliberated - committed": "committing (fence, facts again, rows, audit)",
    "committed - handled": "what waits for approval is looked at again",
    "handled - finished": "finishing the job",
}


def queue_page(result: Mapping[str, Any]) -> str:
    """What a turn costs from the webhook's storing call to the outbox, through the queue."""
    rows, stages, bounds = [], [], []
    for several, of in result["callers"].items():
        named = {f"queued, {n} at work": f for n, f in of["queued"].items()}
        rows += [
            [several, name, *(spread(f[what]) for what in (
                "cpu_ms", "process_cpu_ms", "postgres_cpu_ms", "turns_per_second", "p50_ms", "p95_ms", "wal_kib"
            ))]
            for name, f in [*named.items(), ("default", of["default"])]
        ]  # fmt: skip
        bounds += [
            [several, name, spread(f["ratios"]["cpu"]), spread(f["ratios"]["p95"]), spread(f["storing_cpu_ms"]),
             spread(f["worker_busy"]), spread(f["machine_busy"])]
            for name, f in named.items()
        ]  # fmt: skip
        stages += [
            [several, name, said, f["stages_ms"][stage]]
            for name, f in named.items() for stage, said in _STAGES.items()
        ]  # fmt: skip
    return "\n".join([
        "# A turn through the queue", "",
        f"Written by `{result['command']}`.",
        "A turn: an inbound SMS and its job are stored in one transaction as a webhook does, a worker in a process of its own",
        "is told and fetches the job, and answers as in `dunwell bench turn` with the same instant model. Latency is from the",
        "storing call to the committed outbox row; a caller goes on when the job is finished. Beside it the default stack,",
        f"called directly. {result['customers']} customers for each configuration, one turn of each a round, {result['rounds']} rounds,",
        f"interleaved; before them {result['warm_up_turns']} turns of each. Medians (lowest - highest); CPU is that of all our",
        "processes (the one that stores, and the workers) and of Postgres; ratios are taken in the same round.", "",
        machine(result["machine"]), "",
        "## Cost",
        *table(["callers", "configuration", "CPU ms", "of it processes", "of it Postgres", "turns/s", "p50 ms", "p95 ms", "WAL KiB"], rows), "",
        "## To the default stack, and what bounds it",
        "Busy: CPU seconds in a second, of one worker's process, and of everything to what the cores could give.",
        *table(["callers", "configuration", "CPU to the default", "p95 to the default", "storing CPU ms", "a worker busy", "machine busy"], bounds), "",
        "## Where the time goes", "Median milliseconds, by the clock that all processes share.",
        *table(["callers", "configuration", "stage", "ms"], stages), "",
        *promised(result["targets"]), *configurations(result),
    ])  # fmt: skip


def soak_page(result: Mapping[str, Any]) -> str:
    """What one worker process holds after that many turns."""
    rows = [
        [f"{sample['turns']:,}", sample["resident_mib"], sample["turns_per_second"]]
        for sample in result["samples"]
    ]
    return "\n".join([
        "# Many turns in one worker", "",
        f"Written by `{result['command']}`.",
        f"One process as `dunwell work` runs it, queue, sender and chores: {result['turns']:,} turns of {result['customers']:,} customers,",
        f"{result['at_once']} at once, all of them answered and {result['sent']:,} messages delivered. Resident memory every",
        f"{result['every']:,} turns after a warm-up of {result['warm_up']:,}. Flat: at the end at most",
        "1.05 times what it was after the warm-up.", "",
        machine(result["machine"]), "",
        f"After the warm-up {result['resident_mib']['after_warm_up']} MiB, at the end {result['resident_mib']['end']} MiB, at most",
        f"{result['resident_mib']['most']} MiB. Slope {result['slope_kib']} KiB for each 1,000 turns (least squares); over the second half",
        f"{result['slope_second_half_kib']} KiB.", "",
        *table(["turns", "resident MiB", "turns/s"], rows), "",
        *promised(result["targets"]),
    ])  # fmt: skip
