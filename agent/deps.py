"""What an episode is given: everything that is chosen once, in the composition root, and nothing that is global."""

from dataclasses import dataclass, field
from typing import Any, Self

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from agent.models.binding import bind
from agent.policy.gate import Gate
from tools.clock import Clock
from tools.company import Company
from tools.memory.embeddings import Embedder, LocalEmbedder

Thinker = Runnable[LanguageModelInput, AIMessage]
Pool = AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far one turn may go before it is cut short and handed to a person."""

    model_calls: int = 8
    tokens: int = (
        60_000  # of the model, asked and answered; what eight calls with the largest prompt stay below
    )
    calls: int = 40  # tool calls, all of a turn together: a runaway model stops here
    wall_seconds: float = 60.0
    window_messages: int = 20
    memory_hits: int = 60  # earlier messages that a search may bring into the prompt, as far as there is room
    standing_facts: int = 12
    # Of the first prompt, system text included, by LangChain's rough count. What the turn's own calls add comes on
    # top and stays below 4,000 with it.
    prompt_tokens: int = 3700
    attempts: int = 4  # runs of one episode when facts keep moving under it


@dataclass(frozen=True, slots=True)
class Mind:
    """A model as turns use it: its name for the record, and itself with the tools offered."""

    model_id: str
    thinker: Thinker

    @classmethod
    def of(cls, model: BaseChatModel, model_id: str) -> Self:
        """The tools' schemas are computed here, once."""
        return cls(model_id, bind(model))


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
    embedder: Embedder = field(default_factory=LocalEmbedder)
    fallback: Mind | None = None  # takes the turn when the model is in trouble; None: a person does
    tokens_per_day: int | None = None  # of the model, all turns of a business day together; None: no limit
    mind: Mind = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mind", Mind.of(self.model, self.model_id))
