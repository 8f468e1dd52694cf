"""The default LangGraph stack, as its documentation shows it: what a turn is compared with.

`create_agent` with `HumanInTheLoopMiddleware`, `AsyncPostgresSaver` in its default durability and `AsyncPostgresStore`
with its default vector index; one thread per customer. The same four tools with bodies that insert one row, the
same model, system prompt and embedding. It reads no account, judges nothing, renders nothing and keeps no audit.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain.tools import ToolRuntime, tool
from langchain_core.messages import HumanMessage
from langchain_core.tools import BaseTool
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.store.postgres import AsyncPostgresStore
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

import prompts
from evals.bench.embedding import DIMENSION, embed
from evals.bench.model import InstantModel
from evals.bench.people import Caller

HITS = 5  # what memory gives a prompt, in both stacks
CONFIGURATION = {
    "agent": "langchain.agents.create_agent, HumanInTheLoopMiddleware(interrupt_on schedule_follow_up)",
    "checkpointer": "AsyncPostgresSaver, default durability (async), one thread per customer",
    "memory": f"AsyncPostgresStore, default index (HNSW, cosine), search of {HITS}, both messages put",
    "tools": "the same four, bodies insert one row",
    "leaves out": "account, gate, rendering, audit, outbox, one-commit turn",
}
_TABLE = "CREATE TABLE bench_row (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id text, tool text, args jsonb)"
_INSERT = "INSERT INTO bench_row (customer_id, tool, args) VALUES (%s, %s, %s)"
_Pool = AsyncConnectionPool[AsyncConnection[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Who:
    """Whose turn it is."""

    customer_id: str


@dataclass(frozen=True, slots=True)
class DefaultStack:
    """A running agent and its memory."""

    agent: Any
    store: AsyncPostgresStore
    keys: Any

    async def turn(self, caller: Caller, text: str) -> None:
        """One message of a customer, from memory search to remembered answer."""
        mine = (caller.customer_id,)
        hits = await self.store.asearch(mine, query=text, limit=HITS)
        known = "\n".join(str(hit.value["text"]) for hit in hits)
        config = {"configurable": {"thread_id": caller.customer_id}}
        said = HumanMessage(f"Known about this customer:\n{known}\n\nThe customer writes:\n{text}")
        out = await self.agent.ainvoke({"messages": [said]}, config, context=Who(caller.customer_id))
        answer = out["messages"][-1].text
        await self.store.aput(mine, f"in-{next(self.keys)}", {"text": text})
        await self.store.aput(mine, f"out-{next(self.keys)}", {"text": answer})


@asynccontextmanager
async def default_stack(conninfo: str, model: InstantModel, *, pool_size: int) -> AsyncIterator[DefaultStack]:
    """The stack on its own tables in that database; a connection as the documentation asks for."""
    kwargs = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    pool: _Pool = AsyncConnectionPool(conninfo, min_size=1, max_size=pool_size, kwargs=kwargs, open=False)
    async with pool:
        saver = AsyncPostgresSaver(pool)
        await saver.setup()
        store = AsyncPostgresStore(pool, index={"dims": DIMENSION, "embed": embed, "fields": ["text"]})
        await store.setup()
        async with pool.connection() as conn:
            await conn.execute(_TABLE.replace("TABLE", "TABLE IF NOT EXISTS"))  # type: ignore[arg-type]  # fixed text
        agent: Any = create_agent(
            model,
            _tools(pool),
            system_prompt=prompts.load("system.md").text,
            middleware=[HumanInTheLoopMiddleware(interrupt_on={"schedule_follow_up": True})],
            context_schema=Who,
            checkpointer=saver,
            store=store,
        )
        yield DefaultStack(agent, store, count())


def _tools(pool: _Pool) -> list[BaseTool]:
    async def keep(runtime: ToolRuntime[Who, Any], name: str, args: dict[str, Any]) -> str:
        async with pool.connection() as conn:
            await conn.execute(_INSERT, (runtime.context.customer_id, name, Jsonb(args)))
        return "Done."

    @tool
    async def read_customer_risk(horizon: str, runtime: ToolRuntime[Who, Any]) -> str:
        """Read this customer's risk before you decide how to approach them."""
        return await keep(runtime, "read_customer_risk", {"horizon": horizon})

    @tool
    async def generate_dunning_message(
        purpose: str, channel: str, invoices: list[str], tone: str, offer: str | None, template: str | None,
        body: str | None, runtime: ToolRuntime[Who, Any],
    ) -> str:  # fmt: skip
        """Stage one message to this customer."""
        args = {
            "purpose": purpose, "channel": channel, "invoices": invoices, "tone": tone, "offer": offer,
            "template": template, "body": body,
        }  # fmt: skip
        return await keep(runtime, "generate_dunning_message", args)

    @tool
    async def schedule_follow_up(kind: str, in_days: int, reason: str, runtime: ToolRuntime[Who, Any]) -> str:
        """Stage one follow-up."""
        return await keep(runtime, "schedule_follow_up", {"kind": kind, "in_days": in_days, "reason": reason})

    @tool
    async def log_collection_activity(record: dict[str, Any], runtime: ToolRuntime[Who, Any]) -> str:
        """Stage one record of what the customer said or asked."""
        return await keep(runtime, "log_collection_activity", record)

    return [read_customer_risk, generate_dunning_message, schedule_follow_up, log_collection_activity]
