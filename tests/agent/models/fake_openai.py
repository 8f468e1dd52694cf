"""An OpenAI-compatible chat-completions server on loopback, for tests: a model that is not ours, as far as HTTP goes.

`run_fake_openai()` gives its base URL; `python -m tests.agent.models.fake_openai --port N` runs it in a terminal.
Its brain is a function of messages; by default the offline collector thinks behind it. A brain that is to misbehave
gives the HTTP response itself.
"""

import argparse
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response, StreamingResponse
from langchain_core.messages import AIMessage, BaseMessage, convert_to_messages

from agent.models.offline import OfflineCollector

Brain = Callable[[Sequence[BaseMessage], Sequence[dict[str, Any]]], AIMessage | Response]


def offline_brain(messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]) -> AIMessage:
    """The offline collector, with the tools as they came over the wire."""
    return OfflineCollector().bind(tools=list(tools)).invoke(list(messages))


def create_app(brain: Brain, requests: list[dict[str, Any]]) -> FastAPI:
    """The server; every request body it gets is kept in `requests`."""
    app = FastAPI()

    @app.post("/v1/chat/completions")
    def complete(body: dict[str, Any]) -> Response:
        requests.append(body)
        answer = brain(_heard(body["messages"]), body.get("tools") or [])
        if isinstance(answer, Response):
            return answer
        if body.get("stream"):
            return StreamingResponse(_events(body, answer), media_type="text/event-stream")
        choice = {"index": 0, "message": _message(answer), "finish_reason": _finish(answer)}
        return JSONResponse(
            _envelope(body, "chat.completion") | {"choices": [choice], "usage": _usage(answer)}
        )

    @app.get("/v1/models")
    def models() -> dict[str, Any]:
        return {
            "object": "list",
            "data": [{"id": "fake", "object": "model", "created": 0, "owned_by": "tests"}],
        }

    return app


def _heard(messages: list[dict[str, Any]]) -> list[BaseMessage]:
    """What was said, a model's own calls with broken arguments as calls without any."""
    for call in (call for message in messages for call in message.get("tool_calls") or []):
        try:
            json.loads(call["function"]["arguments"])
        except ValueError:
            call["function"]["arguments"] = "{}"
    return convert_to_messages(messages)


@contextmanager
def run_fake_openai(
    brain: Brain = offline_brain, *, port: int = 0, requests: list[dict[str, Any]] | None = None
) -> Iterator[str]:
    """The base URL of a running server, for ChatOpenAI; it stops at the end of the block."""
    app = create_app(brain, requests if requests is not None else [])
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off")
    )
    thread = threading.Thread(target=server.run, name="fake-openai", daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the fake OpenAI server did not start")
        time.sleep(0.01)
    try:
        bound = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{bound}/v1"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def _envelope(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-fake", "object": kind, "created": 0, "model": body.get("model", "fake")}


def _message(answer: AIMessage) -> dict[str, Any]:
    calls = [
        {
            "id": call["id"],
            "type": "function",
            "function": {"name": call["name"], "arguments": json.dumps(call["args"])},
        }
        for call in answer.tool_calls
    ]
    return {"role": "assistant", "content": answer.text or None} | ({"tool_calls": calls} if calls else {})


def _finish(answer: AIMessage) -> str:
    return "tool_calls" if answer.tool_calls else "stop"


def _usage(answer: AIMessage) -> dict[str, int]:
    used = answer.usage_metadata or {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    return {
        "prompt_tokens": used["input_tokens"],
        "completion_tokens": used["output_tokens"],
        "total_tokens": used["total_tokens"],
    }


def _events(body: dict[str, Any], answer: AIMessage) -> Iterator[str]:
    """The answer as server-sent events: the message in two parts, the end, the usage where it was asked for."""
    envelope = _envelope(body, "chat.completion.chunk")
    message = _message(answer)
    calls = [{"index": index, **call} for index, call in enumerate(message.get("tool_calls", []))]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas.append({"tool_calls": calls} if calls else {"content": answer.text})
    for delta in deltas:
        yield _event(envelope | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _event(envelope | {"choices": [{"index": 0, "delta": {}, "finish_reason": _finish(answer)}]})
    if (body.get("stream_options") or {}).get("include_usage"):
        yield _event(envelope | {"choices": [], "usage": _usage(answer)})
    yield "data: [DONE]\n\n"


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        description="An OpenAI-compatible endpoint that thinks with the offline collector."
    )
    parser.add_argument("--port", type=int, default=8089)
    port: int = parser.parse_args().port
    uvicorn.run(create_app(offline_brain, []), host="127.0.0.1", port=port, log_level="info")


if __name__ == "__main__":
    main()
