"""Dunwell's four tools as a model is offered them."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool

from tools.surface import TOOLS


@cache
def tool_schemas() -> Sequence[dict[str, Any]]:
    """The tools in OpenAI's format, in the part of JSON schema that compatible endpoints agree on. Not to be changed."""
    return [_plain(convert_to_openai_tool(tool.args)) for tool in TOOLS]


def bind(model: BaseChatModel) -> Runnable[LanguageModelInput, AIMessage]:
    """`model` with the four tools offered.

    Not in strict mode: compatible endpoints differ in it, and arguments are validated by our own types anyway; a
    model that gets them wrong is told so and can correct itself.
    """
    return model.bind_tools(tool_schemas())


def _plain(schema: Any) -> Any:
    """`oneOf` as `anyOf`, and no `discriminator`: its mapping points at definitions that were inlined."""
    if isinstance(schema, Mapping):
        return {
            "anyOf" if key == "oneOf" else key: _plain(value)
            for key, value in schema.items()
            if key != "discriminator"
        }
    if isinstance(schema, Sequence) and not isinstance(schema, str):
        return [_plain(part) for part in schema]
    return schema
