"""The Markdown pages of the benchmarks, as people read them and as infra/measured keeps them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def turn_page(result: Mapping[str, Any]) -> str:
    """What a turn costs, beside the default stack and the floor."""
    rows = [
        [
            several, name, *(spread(of[name][what]) for what in (
                "cpu_ms", "process_cpu_ms", "postgres_cpu_ms", "turns_per_second", "p50_ms", "p95_ms", "wal_kib"
            )),
        ]
        for several, of in result["callers"].items() for name in of
    ]  # fmt: skip
    ratios = [
        [several, spread(of["default"]["cpu"]), spread(of["default"]["process_cpu"]), spread(of["floor"]["cpu"]),
         spread(of["floor"]["process_cpu"])]
        for several, of in result["ratios"].items()
    ]  # fmt: skip
    counts = [
        [name, of["statements"], of["commits"], result["wal_kib_after_checkpoint"][name]]
        for name, of in result["counts"].items()
    ]
    return "\n".join([
        "# A turn", "",
        f"Written by `{result['command']}`.",
        "A turn: an inbound SMS is stored, memory is searched, an instant model calls two tools (a promise is recorded,",
        "its acknowledgement is written), and everything is committed up to the row in the outbox.",
        f"{result['customers']} customers for each configuration, one turn of each a round,",
        f"{result['rounds']} rounds at each number of callers, interleaved; before them {result['warm_up_turns']} turns of each.",
        "Figures are a turn's: median of the rounds (lowest - highest).",
        "CPU is that of the process and of Postgres together; ratios are taken in the same round.", "",
        machine(result["machine"]), "",
        "## Cost",
        *table(["callers", "configuration", "CPU ms", "of it process", "of it Postgres", "turns/s", "p50 ms", "p95 ms", "WAL KiB"], rows), "",
        "## Ours to theirs",
        *table(["callers", "default: CPU", "default: process alone", "floor: CPU", "floor: process alone"], ratios), "",
        "## Counts",
        "Statements and transactions (those that only read, too) from the server's log; WAL right after a checkpoint holds",
        "whole pages besides.",
        *table(["configuration", "SQL statements", "commits", "WAL KiB after a checkpoint"], counts), "",
        *promised(result["targets"]), *configurations(result),
    ])  # fmt: skip


def growth_page(result: Mapping[str, Any]) -> str:
    """What a turn costs when the conversation is long."""
    rows = [
        [name, turns, f["p50_ms"], f"{f['least_ms']} - {f['most_ms']}", f["process_cpu_ms"], f["wal_kib"], f["prompt_tokens"]]
        for name, of in result["lengths"].items() for turns, f in of.items()
    ]  # fmt: skip
    return "\n".join([
        "# A turn of a long conversation", "",
        f"Written by `{result['command']}`.",
        f"One customer for each length, a turn a day; measured are the {result['turns']} turns after so many, customer after",
        "customer, so that a busy minute hits all. Medians; prompt tokens are the most that a prompt had, by LangChain's",
        "rough count, the tools' schemas not counted.", "",
        machine(result["machine"]), "",
        *table(["configuration", "turns before", "latency ms", "least - most", "process CPU ms", "WAL KiB", "prompt tokens"], rows), "",
        *promised(result["targets"]), *configurations(result),
    ])  # fmt: skip


def cycle_page(result: Mapping[str, Any]) -> str:
    """What planning a portfolio costs."""
    rows = [
        [
            f"{size['open_invoices']:,}", f"{size['planned']:,}", f"{size['triggers']:,}",
            *(spread(size["seconds"][what]) for what in ("scan", "group", "plan")),
            spread(size["cpu_seconds"]["plan"]), size["cpu_us_per_invoice"],
            spread(size["resident_mib"]), spread(size["private_mib"]), spread(size["seconds"]["read"]),
            *(size[unit][what]["median"] for what in ("keep", "keep_again") for unit in ("seconds", "cpu_seconds")),
        ]
        for size in result["sizes"]
    ]  # fmt: skip
    return "\n".join([
        "# Planning a portfolio", "",
        f"Written by `{result['command']}`.",
        "The product's own planning statement on a synthetic portfolio: a quarter as many customers as open invoices, as many",
        "paid invoices, and disputes, holds, promises, plans, opt-outs, suppressions, earlier messages and ladder steps. It",
        "gives one row a customer (ageing, tier, what is in the way, the ladder step): at most one touch of each.",
        f"Medians of {result['rounds']} rounds (lowest - highest), floors, plan and reading interleaved; nothing is committed.",
        "`scan` reads and sums the open invoices, `group` sums them by customer, in one process as the plan does. `read`",
        "streams what is due into triggers. `keep` writes the tiers and a score for each open invoice of a scored customer, as the",
        "first night does; `again` finds that no customer's features changed, as another night does of most. They are no part of",
        "the plan's statement, and were measured once. CPU is what the planning process computed; seconds beyond it are waits,",
        "for the disk or for a core that other work had.",
        "MiB are those of the planning backend: resident is the kernel's high-water mark, shared buffers that it touched",
        "included; private is what it has to itself.", "",
        machine(result["machine"]), "",
        *table(["open invoices", "planned customers", "triggers", "scan s", "group s", "plan s", "plan CPU s", "CPU us an invoice", "resident MiB",
                 "private MiB", "read s", "keep s", "keep CPU s", "again s", "again CPU s"], rows), "",
        *promised(result["targets"]),
    ])  # fmt: skip


def memory_page(result: Mapping[str, Any]) -> str:
    """What a search of one customer's messages finds and costs."""
    rows = [
        [f"{length:,}", way, spread(f["p50_ms"]), spread(f["p95_ms"]), spread(f["cpu_ms"]), f["recall"], f"{f['short']} of {f['asked']}"]
        for length, ways in result["lengths"].items() for way, f in ways.items()
    ]  # fmt: skip
    plans = [
        [f"{length:,}", side, ", ".join(scans)]
        for length, of in result["plans"].items()
        for side, scans in of.items()
    ]
    facts = [
        [f"{f['back']:,}", f"{f['found']} of {f['asked']}", f"{f['rate']:.1%}", f"{f['far_found']} of {f['far_asked']}", f["tokens_most"]]
        for f in result["planted"]
    ]  # fmt: skip
    return "\n".join([
        "# Memory", "",
        f"Written by `{result['command']}`.",
        f"{result['messages']:,} messages that arrived in turn, of customers with conversations of these lengths; the same vectors of",
        "the packaged embedding in our table and in `AsyncPostgresStore`. `nearest` is our search by meaning alone, `search` what a",
        "prompt gets (by meaning and by words, each wording once), `store` is `asearch`. A search embeds the question, takes a",
        f"connection and reads; in a round each way answers the same questions. {result['questions']} questions a round, medians of",
        f"{result['rounds']} rounds (lowest - highest) after one to warm up. Recall is against an exact look at every vector: returned",
        "messages no farther than the tenth nearest, of ten. `search` also ranks by words and drops repeated wordings, so it does",
        "not return the ten nearest on purpose. CPU is that of the process and of Postgres together. Short: answers with fewer than ten messages.", "",
        machine(result["machine"]), "",
        *table(["messages of the customer", "way", "p50 ms", "p95 ms", "CPU ms", "recall@10", "short"], rows), "",
        "## Plans", *table(["messages of the customer", "table", "scans (EXPLAIN)"], plans), "",
        "## Planted facts",
        "Said once, buried under talk, asked for later; counted when the prompt holds it. Far: asked for in other words.",
        *table(["messages back", "in the prompt", "share", "far ones", "tokens of the longest prompt"], facts), "",
        *promised(result["targets"]), *configurations(result),
    ])  # fmt: skip


def spread(figure: Mapping[str, float]) -> str:
    """A median with the lowest and the highest of the rounds."""
    return f"{figure['median']} ({figure['low']} - {figure['high']})"


def machine(of: Mapping[str, Any]) -> str:
    """What the figures depend on besides the code, in one line."""
    postgres = ", ".join(f"{name} {value}" for name, value in of["postgres"].items())
    return (
        f"Machine: {of['cores']} cores, load {of['load_1m']} at the end (the benchmark itself included; other "
        f"work may have run beside it), Python {of['python']}; Postgres: {postgres}."
    )


def promised(targets: Iterable[Mapping[str, Any]]) -> list[str]:
    """What was promised and whether it holds."""
    rows = [[t["target"], t["is"], t["at_most"], "yes" if t["met"] else "**no**"] for t in targets]
    return ["## Targets", *table(["target", "is", "at most", "met"], rows), ""]


def configurations(result: Mapping[str, Any]) -> list[str]:
    """What each configuration is made of."""
    said = ["## Configurations"]
    for name, configuration in result["configurations"].items():
        said += [f"- {name}", *(f"  - {what}: {how}" for what, how in configuration.items())]
    return [*said, ""]


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """The lines of a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]
