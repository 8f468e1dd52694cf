"""The openai model: settings that are missing, tools as they travel, and the same answers through HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from pydantic import SecretStr

from agent.models.binding import bind, tool_schemas
from agent.models.factory import ModelConfig, build_model
from agent.models.offline import OfflineCollector
from tests.agent.models.documents import document, inbound, prompt
from tests.agent.models.fake_openai import run_fake_openai
from tools.errors import Misconfigured
from tools.surface import TOOLS


@pytest.fixture(scope="module")
def requests() -> list[dict[str, Any]]:
    return []


@pytest.fixture(scope="module")
def base_url(requests: list[dict[str, Any]]) -> Iterator[str]:
    with run_fake_openai(requests=requests) as url:
        yield url


def config(base_url: str | None = None, **fields: Any) -> ModelConfig:
    settings: dict[str, Any] = {
        "kind": "openai",
        "model": "fake",
        "api_key": SecretStr("k"),
        "base_url": base_url,
    }
    return ModelConfig(**settings | fields)


@pytest.mark.parametrize(
    "missing", [{"model": None}, {"api_key": None}, {"api_key": SecretStr(" ")}, {"kind": "oracle"}]
)
def test_what_is_missing_is_said_in_one_sentence(missing: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured) as raised:
        build_model(config(**missing))
    assert str(raised.value).count(". ") == 0
    assert "DUNWELL_" in str(raised.value)


def test_tools_keep_their_names_and_the_union_of_records() -> None:
    """Titles become names, every kind of record stays, and nothing is left that a compatible endpoint may not read."""
    schemas = tool_schemas()
    assert [schema["function"]["name"] for schema in schemas] == [tool.name for tool in TOOLS]
    for schema in schemas:
        assert schema["function"]["parameters"]["additionalProperties"] is False
        assert set(schema["function"]["parameters"]["required"]) == set(
            schema["function"]["parameters"]["properties"]
        )
    record = schemas[3]["function"]["parameters"]["properties"]["record"]
    kinds = {variant["properties"]["kind"]["const"] for variant in record["anyOf"]}
    assert {"promise", "dispute", "opt_out", "escalation", "note"} <= kinds
    assert len(kinds) == 16
    text = str(schemas)
    assert not any(word in text for word in ("oneOf", "discriminator", "$ref", "$defs"))


@pytest.mark.parametrize(
    "content",
    [
        inbound("I'll pay $200 on Friday"),
        inbound("STOP"),
        document("ladder", step="reminder_1", channel="email"),
    ],
    ids=["promise", "opt-out", "ladder"],
)
async def test_the_same_turn_through_http(
    content: dict[str, Any], base_url: str, requests: list[Any]
) -> None:
    """ChatOpenAI through the loopback endpoint proposes what the offline model proposes itself, ids included."""
    remote, local = bind(build_model(config(base_url))), bind(OfflineCollector())
    messages: list[BaseMessage] = prompt(content)
    for _ in range(6):
        here, there = await local.ainvoke(messages), await remote.ainvoke(messages)
        assert isinstance(there, AIMessage)
        assert there.tool_calls == here.tool_calls
        assert there.text == here.text
        assert there.usage_metadata is not None
        messages.append(there)
        if not there.tool_calls:
            break
        messages += [ToolMessage("staged", tool_call_id=call["id"]) for call in there.tool_calls]
    assert messages[-1].text == "done"
    assert requests[-1]["tools"] == tool_schemas()


def test_streaming_through_http(base_url: str) -> None:
    remote = bind(build_model(config(base_url)))
    chunks = list(remote.stream(prompt(inbound("how much do I owe?"))))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk  # type: ignore[assignment] # chunks add up to a chunk
    assert whole.tool_calls[0]["args"]["template"] == "balance_reply"
    assert whole.usage_metadata is not None
