"""What an episode is given: everything that is chosen once, in the composition root, and nothing that is global."""

from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from agent.models.binding import bind
from agent.policy.gate import Gate
from tools.clock import Clock
from tools.company import Company

Thinker = Runnable[LanguageModelInput, AIMessage]
Pool = AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far one turn may go before it is cut short and handed to a person."""

    model_calls: int = 8
    calls: int = 40  # tool calls, all of a turn together: a runaway model stops here
    wall_seconds: float = 60.0
    window_messages: int = 20
    window_chars: int = 6000  # with the account's facts this stays far below 4,000 tokens
    standing_facts: int = 12
    attempts: int = 4  # runs of one episode when facts keep moving under it


@dataclass(frozen=True, slots=True)
class Deps:
    """The parts that an episode works with."""

    pool: Pool
    clock: Clock
    model: BaseChatModel
    model_id: str
    gate: Gate
    company: Company
    bounds: Bounds = Bounds()
    thinker: Thinker = field(init=False)  # the model with the tools bound: their schemas are computed once

    def __post_init__(self) -> None:
        object.__setattr__(self, "thinker", bind(self.model))
