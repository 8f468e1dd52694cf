"""A chat model for tests that says what a test tells it to say."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field
from typing_extensions import override

from agent.models.streaming import chunks
from agent.models.usage import usage

Script = Sequence[AIMessage] | Callable[[Sequence[BaseMessage], Sequence[Mapping[str, Any]]], AIMessage]


class ScriptedModel(BaseChatModel):
    """Answers by turn from a list of messages, or by a function of the messages and the tools that are bound.

    A list that is used up is answered with "done". `bound` keeps every list of tool schemas it was given.
    """

    model: str = "scripted"
    script: Any = Field(default=())  # a Script; pydantic would copy the list and ask a Callable for a schema
    bound: list[list[dict[str, Any]]] = Field(default_factory=list)
    asked: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    @override
    def _llm_type(self) -> str:
        return "dunwell-scripted"

    @override
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer it tools; it keeps their schemas in `bound`."""
        schemas = [convert_to_openai_tool(tool) for tool in tools]
        self.bound.append(schemas)
        return self.bind(tools=schemas, **kwargs)

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(
            generations=[ChatGeneration(message=self._say(messages, kwargs.get("tools") or []))]
        )

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in chunks(self._say(messages, kwargs.get("tools") or [])):
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    def _say(self, messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]]) -> AIMessage:
        said = len(self.asked)
        self.asked.append(list(messages))
        if callable(self.script):
            answer: AIMessage = self.script(messages, tools)
        else:
            answer = self.script[said] if said < len(self.script) else AIMessage("done")
        # A copy: the message in the script must not take the id of its first use along to the next one.
        metadata = {"model_name": self.model} | answer.response_metadata
        answer = answer.model_copy(update={"response_metadata": metadata})
        answer.usage_metadata = answer.usage_metadata or usage(messages, answer)
        return answer
