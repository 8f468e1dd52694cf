"""The default LangGraph stack, as its documentation shows it: what a turn is compared with.

`create_agent` with `HumanInTheLoopMiddleware`, `AsyncPostgresSaver` in its default durability and `AsyncPostgresStore`
with its default vector index; one thread per customer. The same four tools with bodies that insert one row, the
same model, system prompt and embedding. It reads no account, judges nothing, renders nothing and keeps no audit.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware, ModelRequest, dynamic_prompt
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.store.postgres import AsyncPostgresStore
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from pydantic_core import to_jsonable_python

import prompts
from evals.bench.model import InstantModel
from evals.bench.people import Caller, calls, words
from tools.memory.embeddings import LocalEmbedder
from tools.spec import ToolSpec
from tools.surface import TOOLS

HITS = 5
CONFIGURATION = {
    "agent": "langchain.agents.create_agent, HumanInTheLoopMiddleware(interrupt_on schedule_follow_up)",
    "checkpointer": "AsyncPostgresSaver, default durability (async), one thread per customer",
    "memory": f"AsyncPostgresStore, default index (HNSW, cosine), search of {HITS} into the system prompt, both messages put",
    "tools": "the same four, bodies insert one row",
    "leaves out": "account, gate, rendering, audit, outbox, one-commit turn",
}
_TABLE = "CREATE TABLE bench_row (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id text, tool text, args jsonb)"
_INSERT = "INSERT INTO bench_row (customer_id, tool, args) VALUES (%s, %s, %s)"
_EMBEDDER = LocalEmbedder()
_Pool = AsyncConnectionPool[AsyncConnection[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Known:
    text: str


@dataclass(frozen=True, slots=True)
class DefaultStack:
    """A running agent and its memory."""

    agent: Any
    store: AsyncPostgresStore
    model: InstantModel

    async def turn(self, caller: Caller, turn: int) -> None:
        """One message of a customer, from memory search to remembered answer."""
        self.model.calls = calls(turn)
        text, mine = words(turn), (caller.customer_id,)
        hits = await self.store.asearch(mine, query=text, limit=HITS)
        known = "\n".join(str(hit.value["text"]) for hit in hits)
        config = {"configurable": {"thread_id": caller.customer_id}}
        out = await self.agent.ainvoke({"messages": [HumanMessage(text)]}, config, context=_Known(known))
        answer = out["messages"][-1].text
        await self.store.aput(mine, f"in-{turn}", {"text": text})
        await self.store.aput(mine, f"out-{turn}", {"text": answer})


@asynccontextmanager
async def default_saver(conninfo: str, *, pool_size: int) -> AsyncIterator[tuple[_Pool, AsyncPostgresSaver]]:
    """The checkpointer on its own tables in that database, and the pool it works on: connections as the documentation asks for."""
    kwargs = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    pool: _Pool = AsyncConnectionPool(conninfo, min_size=1, max_size=pool_size, kwargs=kwargs, open=False)
    async with pool:
        saver = AsyncPostgresSaver(pool)
        await saver.setup()
        yield pool, saver


@asynccontextmanager
async def default_stack(conninfo: str, model: InstantModel, *, pool_size: int) -> AsyncIterator[DefaultStack]:
    """The stack on its own tables in that database."""
    async with default_saver(conninfo, pool_size=pool_size) as (pool, saver):
        store = AsyncPostgresStore(
            pool, index={"dims": _EMBEDDER.dimensions, "embed": _EMBEDDER.embed, "fields": ["text"]}
        )
        await store.setup()
        async with pool.connection() as conn:
            await conn.execute(_TABLE.replace("TABLE", "TABLE IF NOT EXISTS"))
        agent: Any = create_agent(
            model,
            _tools(pool),
            middleware=[_with_memory, HumanInTheLoopMiddleware(interrupt_on={"schedule_follow_up": True})],
            context_schema=_Known,
            checkpointer=saver,
            store=store,
        )
        yield DefaultStack(agent, store, model)


@dynamic_prompt
def _with_memory(request: ModelRequest[_Known]) -> str:
    """What was found goes into the prompt of this call and not into the thread, which would grow by it."""
    return f"{prompts.load('system.md').text}\n\nKnown about this customer:\n{request.runtime.context.text}"


def offered(spec: ToolSpec, body: Callable[..., Awaitable[str]]) -> BaseTool:
    """A tool of the surface that Dunwell offers its model, with another body."""
    return StructuredTool.from_function(
        coroutine=body, name=spec.name, description=spec.args.__doc__, args_schema=spec.args
    )


def _tools(pool: _Pool) -> list[BaseTool]:
    """Each tool with a body that inserts one row."""

    def one(spec: ToolSpec) -> BaseTool:
        async def keep(config: RunnableConfig, **args: Any) -> str:
            row = (config["configurable"]["thread_id"], spec.name, Jsonb(to_jsonable_python(args)))
            async with pool.connection() as conn:
                await conn.execute(_INSERT, row)
            return "Done."

        return offered(spec, keep)

    return [one(spec) for spec in TOOLS]
