"""A checkpointer that keeps a run's checkpoints in memory until the engine's own transaction writes them.

The buffer belongs to the run (a context variable), never to the thread id: two runs of one thread in one
process would otherwise mix their checkpoints (engine.md 2, rule 2).
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg import AsyncConnection
from typing_extensions import override

from agent.deps import Pool


@dataclass(slots=True)
class Buffer:
    """The writes of one run, in order. `resuming` runs read their thread from Postgres, new ones have none."""

    resuming: bool
    writes: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)


_RUN: ContextVar[Buffer] = ContextVar("run")


class BufferedSaver(BaseCheckpointSaver[str]):
    """Reads from Postgres, writes to the run's buffer."""

    def __init__(self, pool: Pool) -> None:
        self._postgres = AsyncPostgresSaver(pool)  # type: ignore[arg-type]  # wants dict rows; its cursors set their own
        super().__init__(serde=self._postgres.serde)

    @contextmanager
    def run(self, *, resuming: bool) -> Iterator[Buffer]:
        """Everything that a graph run inside this block checkpoints lands in the buffer that it gives."""
        buffer = Buffer(resuming)
        token = _RUN.set(buffer)
        try:
            yield buffer
        finally:
            _RUN.reset(token)

    async def flush(self, buffer: Buffer, conn: AsyncConnection[Any]) -> None:
        """Write a run's checkpoints on the connection, and in the transaction, of the commit."""
        postgres = AsyncPostgresSaver(conn, serde=self.serde)
        for method, arguments in buffer.writes:
            await getattr(postgres, method)(*arguments)

    async def forget(self, thread_id: str, conn: AsyncConnection[Any]) -> None:
        """Delete a thread's checkpoints in the caller's transaction: a decided approval leaves none."""
        postgres = AsyncPostgresSaver(conn, serde=self.serde)
        await postgres.adelete_thread(thread_id)

    @override
    def get_next_version(self, current: str | None, channel: None) -> str:
        return self._postgres.get_next_version(current, channel)

    @override
    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return await self._postgres.aget_tuple(config) if _RUN.get().resuming else None

    @override
    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        _RUN.get().writes.append(("aput", (config, checkpoint, metadata, new_versions)))
        place = config["configurable"]
        return {
            "configurable": {
                "thread_id": place["thread_id"],
                "checkpoint_ns": place.get("checkpoint_ns", ""),
                "checkpoint_id": checkpoint["id"],
            }
        }

    @override
    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        _RUN.get().writes.append(("aput_writes", (config, writes, task_id, task_path)))

    @override
    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        async for item in self._postgres.alist(config, filter=filter, before=before, limit=limit):
            yield item
