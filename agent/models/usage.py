"""Token counts of models that nobody pays for."""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.utils import count_tokens_approximately


def usage(messages: Sequence[BaseMessage], answer: AIMessage) -> UsageMetadata:
    """Tokens by LangChain's rough count: budgets and reports want a figure."""
    asked, said = count_tokens_approximately(messages), max(1, count_tokens_approximately([answer]))
    return UsageMetadata(input_tokens=asked, output_tokens=said, total_tokens=asked + said)
