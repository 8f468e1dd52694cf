"""`dunwell bench`: what the work costs, measured beside what others would pay. One command a benchmark."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.output import Json, answer, console, run

bench = typer.Typer(no_args_is_help=True, help="Measure what the work costs.")
_CONVERSATIONS = [100, 1_000, 10_000]
_PORTFOLIOS = [10_000, 100_000, 250_000, 1_000_000]
Out = Annotated[Path | None, typer.Option(help="Write the page to this file as well.")]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(bench, name="bench")


def report(
    result: dict[str, Any], page: Callable[[dict[str, Any]], str], out: Path | None, *, as_json: bool
) -> None:
    """Print a benchmark's result, and keep its Markdown page where `out` says."""
    shown = page(result)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(shown, "utf-8")
    answer(result, lambda _: console.print(shown, markup=False, soft_wrap=True), as_json=as_json)


@bench.command()
def turn(
    customers: Annotated[
        int, typer.Option(min=1, help="Customers of each configuration: turns a round.")
    ] = 64,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds at each number of callers.")] = 5,
    growth: Annotated[
        bool, typer.Option("--growth/--no-growth", help="Measure long conversations as well.")
    ] = False,
    queue: Annotated[
        bool, typer.Option("--queue", help="From the storing call through the queue and its workers.")
    ] = False,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """CPU, rate, latency, statements and WAL of a full turn, beside the default LangGraph stack and the floor."""
    if queue:
        _queued_turn(customers, rounds, out, as_json=as_json)
        return
    from evals.bench import turn as turns  # noqa: PLC0415 - heavy: only when it runs
    from evals.bench.page import growth_page, turn_page  # noqa: PLC0415 - as above
    from evals.bench.place import own_place  # noqa: PLC0415 - as above

    with own_place() as place:
        result = run(turns.measure(place, customers=customers, rounds=rounds), as_json=as_json)
    result |= {
        "command": f"dunwell bench turn --customers {customers} --rounds {rounds}",
        "targets": turns.targets(result),
    }
    if growth:
        result["growth"] = _growth(as_json=as_json)

    def page(of: dict[str, Any]) -> str:
        return turn_page(of) + ("\n" + growth_page(of["growth"]) if growth else "")

    report(result, page, out, as_json=as_json)


def _queued_turn(customers: int, rounds: int, out: Path | None, *, as_json: bool) -> None:
    from evals.bench.place import own_place  # noqa: PLC0415 - heavy: only when it runs
    from evals.bench.queued import turn as queued  # noqa: PLC0415 - as above
    from evals.bench.queued.page import queue_page  # noqa: PLC0415 - as above

    with own_place() as place:
        result = run(queued.measure(place, customers=customers, rounds=rounds), as_json=as_json)
    result |= {
        "command": f"dunwell bench turn --queue --customers {customers} --rounds {rounds}",
        "targets": queued.targets(result),
    }
    report(result, queue_page, out, as_json=as_json)


@bench.command()
def audit(
    entries: Annotated[int, typer.Option(min=1, help="Entries of the log, at least.")] = 1_000_000,
    customers: Annotated[int, typer.Option(min=1, help="Chains that they are in.")] = 10_000,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """How long the proof of a long log takes, and its export; and that a changed entry is found."""
    from evals.bench import audit as proof  # noqa: PLC0415 - heavy: only when it runs
    from evals.bench.place import own_place  # noqa: PLC0415 - as above

    with own_place() as place:
        result = run(proof.measure(place, entries=entries, customers=customers), as_json=as_json)
    result |= {
        "command": f"dunwell bench audit --entries {entries} --customers {customers}",
        "targets": proof.targets(result),
    }
    report(result, proof.page, out, as_json=as_json)


@bench.command()
def soak(
    turns: Annotated[int, typer.Option(min=1, help="Turns in one worker process.")] = 50_000,
    customers: Annotated[int, typer.Option(min=1, help="Customers who take them, one a day each.")] = 2000,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Memory of one worker process, with its sender and its chores, over very many turns."""
    from evals.bench.place import own_place  # noqa: PLC0415 - heavy: only when it runs
    from evals.bench.queued import soak as many  # noqa: PLC0415 - as above
    from evals.bench.queued.page import soak_page  # noqa: PLC0415 - as above

    with own_place() as place:
        result = run(many.measure(place, turns=turns, customers=customers), as_json=as_json)
    result |= {
        "command": f"dunwell bench soak --turns {turns} --customers {customers}",
        "targets": many.targets(result),
    }
    report(result, soak_page, out, as_json=as_json)


@bench.command()
def ack(
    rate: Annotated[int, typer.Option(min=1, help="Messages a second.")] = 200,
    seconds: Annotated[int, typer.Option(min=1, help="For so long.")] = 60,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Acknowledgement of inbound messages over HTTP, duplicates, and how soon an idle worker has one."""
    from evals.bench.inbound import ack as inbound  # noqa: PLC0415 - heavy: only when it runs
    from evals.bench.inbound.page import ack_page  # noqa: PLC0415 - as above
    from evals.bench.place import own_place  # noqa: PLC0415 - as above

    with own_place() as place:
        result = run(inbound.measure(place, rate=rate, seconds=seconds), as_json=as_json)
    result |= {
        "command": f"dunwell bench ack --rate {rate} --seconds {seconds}",
        "targets": inbound.targets(result),
    }
    report(result, ack_page, out, as_json=as_json)


@bench.command()
def queue(
    planned: Annotated[int, typer.Option(min=1, help="Customers of the nightly cycle.")] = 250_000,
    backlog: Annotated[int, typer.Option(min=1, help="Queued messages of one customer.")] = 500,
    messages: Annotated[int, typer.Option(min=1, help="Messages of the others, each time.")] = 200,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Pick-up and latency of customers' messages, without and with a nightly cycle and one customer's backlog."""
    from evals.bench.inbound import isolation  # noqa: PLC0415 - heavy: only when it runs
    from evals.bench.inbound.page import isolation_page  # noqa: PLC0415 - as above
    from evals.bench.place import own_place  # noqa: PLC0415 - as above

    with own_place() as place:
        work = isolation.measure(place, planned=planned, backlog=backlog, messages=messages)
        result = run(work, as_json=as_json)
    result |= {
        "command": f"dunwell bench queue --planned {planned} --backlog {backlog} --messages {messages}",
        "targets": isolation.targets(result),
    }
    report(result, isolation_page, out, as_json=as_json)


@bench.command()
def send(
    messages: Annotated[int, typer.Option(min=1, help="Messages a round.")] = 1500,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each sender.")] = 3,
    queued: Annotated[int, typer.Option(min=1001, help="Rows of the long queue.")] = 1_000_000,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Messages a second of one sender, beside the usual one, and a claim's cost with a long queue behind it."""
    from evals.bench import send as sending  # noqa: PLC0415 - heavy: only when it runs
    from evals.bench.send.page import send_page  # noqa: PLC0415 - as above

    result = sending.measure(messages=messages, rounds=rounds, long=queued, as_json=as_json)
    result |= {
        "command": f"dunwell bench send --messages {messages} --rounds {rounds} --queued {queued}",
        "targets": sending.targets(result),
    }
    report(result, send_page, out, as_json=as_json)


@bench.command()
def growth(
    longest: Annotated[int, typer.Option(min=2, help="Turns of the longest conversation.")] = 1000,
    default_longest: Annotated[
        int, typer.Option(min=2, help="The same for the default stack, which gets slow.")
    ] = 1000,
    turns: Annotated[int, typer.Option(min=1, help="Turns that are measured of each conversation.")] = 20,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Bytes, prompt tokens and latency of a turn after 10, 100 and 1,000 turns of one customer."""
    from evals.bench.page import growth_page  # noqa: PLC0415 - heavy: only when it runs

    result = _growth(longest, default_longest, turns, as_json=as_json)
    report(result, growth_page, out, as_json=as_json)


def _growth(
    longest: int = 1000, default_longest: int = 1000, turns: int = 20, *, as_json: bool
) -> dict[str, Any]:
    from evals.bench import growth as conversations  # noqa: PLC0415 - heavy: only when it runs
    from evals.bench.place import own_place  # noqa: PLC0415 - as above

    def lengths(most: int) -> list[int]:
        return sorted({max(1, most // 100), max(1, most // 10), most})

    with own_place() as place:
        work = conversations.measure(
            place, lengths=lengths(longest), default_lengths=lengths(default_longest), turns=turns
        )
        result = run(work, as_json=as_json)
    command = f"dunwell bench growth --longest {longest} --default-longest {default_longest} --turns {turns}"
    return result | {"command": command, "targets": conversations.targets(result)}


@bench.command()
def cycle(
    sizes: Annotated[
        list[int],
        typer.Option("--size", min=400, help="Open invoices of a portfolio; may be given several times."),
    ] = _PORTFOLIOS,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds at each size.")] = 5,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Planning a whole portfolio in one statement: seconds and memory, beside the floor of reading it."""
    from evals.bench import cycle as planning  # noqa: PLC0415 - heavy: only when it runs
    from evals.bench.page import cycle_page  # noqa: PLC0415 - as above

    result = planning.measure(sizes, rounds=rounds)
    chosen = " ".join(f"--size {size}" for size in sizes)
    result["command"] = f"dunwell bench cycle {chosen} --rounds {rounds}"
    report(result, cycle_page, out, as_json=as_json)


@bench.command()
def memory(
    messages: Annotated[int, typer.Option(min=100, help="Messages of all customers.")] = 200_000,
    lengths: Annotated[
        list[int], typer.Option("--length", min=1, help="Messages of a customer; may be given several times.")
    ] = _CONVERSATIONS,
    questions: Annotated[int, typer.Option(min=1, help="Questions a round, for each length.")] = 30,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds for each length.")] = 5,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Recall and latency of a memory search, beside AsyncPostgresStore; planted facts that reach the prompt."""
    from evals.bench import recall  # noqa: PLC0415 - heavy: only when it runs
    from evals.bench.page import memory_page  # noqa: PLC0415 - as above
    from evals.bench.place import own_place  # noqa: PLC0415 - as above

    with own_place() as place:
        work = recall.measure(place, messages=messages, lengths=lengths, questions=questions, rounds=rounds)
        result = run(work, as_json=as_json)
    chosen = " ".join(f"--length {length}" for length in lengths)
    result |= {
        "command": f"dunwell bench memory --messages {messages} {chosen} --questions {questions} --rounds {rounds}",
        "targets": recall.targets(result),
    }
    report(result, memory_page, out, as_json=as_json)
