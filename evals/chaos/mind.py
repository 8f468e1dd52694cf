"""A model that never says the same twice: what a crash makes it repeat comes out different, as it does with real ones."""

import random
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from typing_extensions import override

from agent.models.offline.model import OfflineCollector

_DICE = random.SystemRandom()  # a forked process must not throw what its siblings throw
_OWN_WORDS = (
    "Thank you for your message. You owe {{balance}}.",
    "Thanks for writing. Your balance is {{balance}}.",
    "We have your message. The open amount is {{balance}}.",
)
_NOTED = (
    "mornings",
    "evenings",
    "the office",
    "the site",
    "a new manager",
    "the accountant",
    "spring",
    "autumn",
)


class FickleCollector(OfflineCollector):
    """The offline collector with moods: tones change, replies are now and then in its own words, notes are added."""

    @override
    def _answer(self, messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]) -> AIMessage:
        said = super()._answer(messages, tools)
        calls = [_moody(call) for call in said.tool_calls]
        if calls and _DICE.random() < 0.5:
            text = f"Mentioned {_DICE.choice(_NOTED)} and {_DICE.choice(_NOTED)}."
            calls.append(
                ToolCall(
                    name="log_collection_activity",
                    args={"record": {"kind": "note", "text": text}},
                    id=f"{calls[0]['id']}_note",
                    type="tool_call",
                )
            )
        return said.model_copy(update={"tool_calls": calls})


def _moody(call: ToolCall) -> ToolCall:
    args = dict(call["args"])
    if args.get("purpose") != "reply":
        return call
    args["tone"] = _DICE.choice(("service", "friendly"))
    if _DICE.random() < 0.4:
        args |= {"template": None, "body": _DICE.choice(_OWN_WORDS)}
    return ToolCall(name=call["name"], args=args, id=call["id"], type="tool_call")
