"""A worker that has just started: what it has to read and compile first, it has done before it takes a job."""

import asyncio
import json
import subprocess
import sys

from tests.server.jobs.test_trouble import ROOT, environment
from tests.server.jobs.working import writes
from tests.world import World

# Prints the files and modules of ours that are read between the first job and the last.
COLD = """
import asyncio, json, sys
from pathlib import Path
from server.jobs import run
from server.jobs.schedule import Terms
from server.providers import open_channels
from server.runtime import open_engine
from server.settings import load

read, watching = set(), False
OURS = ("agent", "tools", "prompts", "server")

def hear(event, given):
    if not watching:
        return
    if event == "import" and given[0].split(".")[0] in (*OURS, "wordllama", "tiktoken"):
        read.add(given[0])
    if event == "open" and isinstance(given[0], str) and Path(given[0]).suffix in (".toml", ".md", ".npz", ".sql", ".json"):
        read.add(Path(given[0]).name)

sys.addaudithook(hear)
take_turns = run.take_turns

async def watched(*given):
    global watching
    watching = True
    await take_turns(*given)

run.take_turns = watched

async def work():
    settings, stop = load(), asyncio.Event()
    async with open_engine(settings) as engine, open_channels(settings) as channels:
        working = asyncio.create_task(
            run.work(engine, channels, terms=Terms(24), shift=run.Shift(chores=()), stop=stop)
        )
        unhandled = 1
        while unhandled:
            await asyncio.sleep(0.05)
            async with engine.deps.pool.connection() as conn:
                [unhandled] = await (await conn.execute(
                    "SELECT count(*) FROM message WHERE direction = 'in' AND handled_at IS NULL")).fetchone()
        stop.set()
        await working

asyncio.run(work())
print(json.dumps(sorted(read)))
"""


async def test_no_turn_has_to_read_or_compile_what_every_turn_needs(world: World) -> None:
    """It would stand still for a second and more, and be taken for dead after three."""
    said = [
        "How much do I owe?",
        "I paid it last Friday.",
        "STOP",
        "Can I pay 50 a month?",
        "¿Cuánto debo todavía?",
    ]
    for n, text in enumerate(said):
        world.customer(f"cust-{n}", segment="automatic")
        await writes(world, text, f"cust-{n}")

    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", COLD], env=environment(world), cwd=ROOT, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
    assert world.count("episode") == len(said)
