"""The model of every configuration: it answers at once, always the same, and keeps what it was given to read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from typing_extensions import override


class InstantModel(BaseChatModel):
    """Makes the `calls` it was given one by one, an answer each, and then says one sentence."""

    calls: list[dict[str, Any]]
    prompt: Any = ()  # the messages that it read last: of a turn's prompts the longest

    @property
    @override
    def _llm_type(self) -> str:
        return "dunwell-instant"

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer it tools, as any model is offered them."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._say(messages))])

    @override
    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._say(messages))])  # no thread for nothing

    def _say(self, messages: Sequence[BaseMessage]) -> AIMessage:
        self.prompt = messages
        done = 0
        for message in reversed(messages):
            if isinstance(message, HumanMessage):
                break
            done += isinstance(message, ToolMessage)
        if done == len(self.calls):
            return AIMessage("Thank you. We have noted your promise.")
        call: Mapping[str, Any] = self.calls[done]
        made = ToolCall(name=call["name"], args=call["args"], id=f"call_{done}", type="tool_call")
        return AIMessage("", tool_calls=[made])
