"""What all machines of a shard share: one database, which is emptied between them, one engine, one loop."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from langchain_core.messages import AIMessage, BaseMessage

from agent.engine.run import Engine
from agent.models.scripted import ScriptedModel
from tests.world import World


@dataclass(slots=True)
class Stage:
    """One stage; its counts are what the machines on it came to together."""

    world: World
    run: asyncio.Runner
    admin: psycopg.Connection[Any]
    mind: Callable[[Sequence[BaseMessage], Sequence[Mapping[str, Any]]], AIMessage] | None = None
    model: ScriptedModel = field(init=False)
    engine: Engine = field(init=False)
    machines: int = 0
    steps: int = 0
    ticks: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    _tables: str = ""

    def __post_init__(self) -> None:
        self.model = ScriptedModel(model="hostile", script=self._think)
        self.engine = self.run.run(self._engine())

    async def _engine(self) -> Engine:
        return self.world.engine(self.model)

    def _think(self, messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]]) -> AIMessage:
        assert self.mind is not None
        self.model.asked.clear()  # nobody looks at the prompts of thousands of turns
        return self.mind(messages, tools)

    def empty(self) -> None:
        """Everything that a machine left behind is gone; only a superuser may, and only here."""
        if not self._tables:
            kept = (
                "alembic_version",
                "arrangement_move",
                "checkpoint_migrations",
                "policy_version",
                "procrastinate_version",
            )
            names = self.admin.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)",
                [list(kept)],
            ).fetchall()
            self._tables = "; ".join(f"DELETE FROM {name}" for (name,) in names)
        self.admin.execute("SET session_replication_role = replica")
        self.admin.execute(self._tables)
