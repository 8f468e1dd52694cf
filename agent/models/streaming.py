"""A finished answer as a stream of chunks, for models of ours that know the whole answer at once."""

import json
from collections.abc import Iterator

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk


def chunks(message: AIMessage) -> Iterator[ChatGenerationChunk]:
    """Text first, then one chunk a tool call, then an empty last one with usage and metadata; they add up to `message`."""
    text = message.text
    half = max(1, len(text) // 2)
    for part in filter(None, (text[:half], text[half:])):
        yield ChatGenerationChunk(message=AIMessageChunk(content=part, id=message.id))
    for index, call in enumerate(message.tool_calls):
        piece = tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index)
        yield ChatGenerationChunk(message=AIMessageChunk(content="", id=message.id, tool_call_chunks=[piece]))
    yield ChatGenerationChunk(
        message=AIMessageChunk(
            content="",
            id=message.id,
            usage_metadata=message.usage_metadata,
            response_metadata=message.response_metadata,
            chunk_position="last",
        )
    )
