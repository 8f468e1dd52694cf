"""The offline collector as a LangChain chat model: deterministic, no network, no state, no clock."""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from typing_extensions import override

from agent.models.offline.document import read
from agent.models.offline.turn import Turn, propose
from agent.models.streaming import chunks
from agent.models.usage import usage

NAME = "dunwell-offline-1"
DONE = "done"
_NO_DOCUMENT = "I answer episode documents only, and there is none here that I can read."


class OfflineCollector(BaseChatModel):
    """Proposes what a careful collector would, by rules, from the prompt alone: the same prompt, the same answer."""

    model: str = NAME

    @property
    @override
    def _llm_type(self) -> str:
        return "dunwell-offline"

    @property
    @override
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model}

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer it tools. It calls Dunwell's four and no others, and only those that are offered."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(
            generations=[ChatGeneration(message=self._answer(messages, kwargs.get("tools") or []))]
        )

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        # Thinking takes about a millisecond: handing it to a thread would cost more than it gives.
        return self._generate(messages, stop, None, **kwargs)

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in chunks(self._answer(messages, kwargs.get("tools") or [])):
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in chunks(self._answer(messages, kwargs.get("tools") or [])):
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    def _answer(self, messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]) -> AIMessage:
        names = [tool["function"]["name"] for tool in tools if "function" in tool]
        document = read(messages)
        turn = Turn.of(messages)
        calls = propose(document, turn, names) if document else []
        # The same prompt gives the same ids, and no two calls of one turn share one.
        seed = hashlib.blake2b("\0".join(m.text for m in messages[:2]).encode(), digest_size=5).hexdigest()
        made = [
            ToolCall(
                name=call.tool,
                args=dict(call.args),
                id=f"call_{seed}_{len(turn.proposed) + index}",
                type="tool_call",
            )
            for index, call in enumerate(calls)
        ]
        text = "" if made else DONE if document else _NO_DOCUMENT
        message = AIMessage(content=text, tool_calls=made, response_metadata={"model_name": self.model})
        message.usage_metadata = usage(messages, message)
        return message
