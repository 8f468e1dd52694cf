"""The Markdown pages of what customers send us."""

from collections.abc import Mapping
from typing import Any

from evals.bench.page import machine, promised, table


def ack_page(result: Mapping[str, Any]) -> str:
    """How soon a message is acknowledged and picked up."""
    cpu, rows = result["cpu_ms"], [
        ["acknowledgement", result["sent"], *result["ack_ms"].values()],
        ["pick-up by an idle worker", result["pick_ups"], *result["pick_up_ms"].values()],
    ]  # fmt: skip
    return "\n".join([
        "# An inbound message", "",
        f"Written by `{result['command']}`.",
        f"{result['rate']} messages a second for {result['seconds']} s over HTTP to `dunwell serve`, in an open loop: the time of each was fixed",
        "beforehand, and its acknowledgement is counted from then, so that whoever waits counts. A message and its job are one",
        "transaction, committed to disk (synchronous_commit) before the 202. One in twenty is delivered twice. Then a worker answers",
        "all of them. Pick-up is from the end of the storing call to the job in the hands of an idle worker that is told by the",
        "database and never looks by itself. Generator, server and Postgres share the machine.", "",
        machine(result["machine"]), "",
        *table(["what", "how many", "p50 ms", "p99 ms", "max ms"], rows), "",
        f"CPU a message: server {cpu['server']} ms, Postgres {cpu['postgres']} ms, generator {cpu['generator']} ms.", "",
        "## Counts",
        *table(["sent", "of them twice", "errors", "said to be new", "messages stored", "jobs stored", "answered", "left", "episodes", "turns/s"], [[
            result["sent"], result["sent_twice"], result["errors"], result["stored_new"], result["messages_stored"],
            result["jobs_stored"], result["handled"], result["left_unhandled"], result["episodes"], result["turns_per_second"],
        ]]),
        "Stored, answered and episodes include the two seconds of warm-up before.", "",
        *promised(result["targets"]),
    ])  # fmt: skip


def isolation_page(result: Mapping[str, Any]) -> str:
    """What does not delay a customer who writes."""
    cycle, names = result["cycle"], {
        "alone": "nothing beside them",
        "beside_backlog": f"one customer with {result['backlog']} queued messages",
        "during_cycle": f"a cycle of {result['planned']:,} customers",
    }  # fmt: skip
    rows = [
        [
            said,
            result[name]["finished"],
            *result[name]["pick_up_ms"].values(),
            *result[name]["latency_ms"].values(),
        ]
        for name, said in names.items()
    ]
    return "\n".join([
        "# What does not delay a customer", "",
        f"Written by `{result['command']}`.",
        f"{result['messages']} messages of {result['rate']:g} a second from customers in turn, to one `dunwell work` (sixteen turns at once, all chores, the",
        "sender, the offline model). Pick-up is from the job's row to its first fetch, latency to the end of its turn, both by",
        "triggers and the clock of the database.", "",
        machine(result["machine"]), "",
        *table(["beside them", "finished", "pick-up p50 ms", "p95", "p99", "latency p50 ms", "p95", "p99"], rows), "",
        f"The backlog took {result['backlog_seconds']} s; {result['backlog_left']} of it were left when the others' last message was stored.",
        "One queue without a lock for each customer and without their places side by side would have had the others wait for it.", "",
        f"Of the cycle {cycle['deferred_before']:,} turns were deferred and {cycle['done_before']:,} done when the first message came,",
        f"{cycle['deferred']:,} and {cycle['done']:,} when the last one did: the rows are the backlog, the queue stays short.", "",
        *promised(result["targets"]),
    ])  # fmt: skip
