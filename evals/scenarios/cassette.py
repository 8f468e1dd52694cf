"""Cassettes: a model's recorded answers, found by what it was asked. Replaying needs no endpoint, no key and no network."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from langchain_core.caches import RETURN_VAL_TYPE, BaseCache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, message_to_dict, messages_from_dict
from langchain_core.outputs import ChatGeneration
from typing_extensions import override

from agent.models.binding import tool_schemas
from agent.models.scripted import ScriptedModel
from evals.scenarios.minds import Thinking
from tools.errors import Misconfigured

# What the model said earlier comes with what it cost, and LangChain notes there that an answer came from here.
_NOT_ASKED = {"id", "usage_metadata", "response_metadata"}


class Cassette(BaseCache):
    """A folder of JSONL files, one for each process that recorded. LangChain asks it before it asks the model.

    An answer is found by the messages and the tools' schemas: a prompt or a tool that changed is a miss. Whoever records
    asks the model every time, and the answers to one question are replayed in the order in which they were given.
    """

    def __init__(self, folder: Path, *, records: bool = False) -> None:
        self._file = folder / f"{os.getpid()}.jsonl"
        self._records = records
        self.misses = 0
        self._asked: Counter[str] = Counter()
        self._answers: dict[str, list[Mapping[str, Any]]] = {}
        for file in sorted(folder.glob("*.jsonl")):
            for line in file.read_text("utf-8").splitlines():
                row = json.loads(line)
                self._answers.setdefault(row["asked"], []).append(row["answer"])

    def __len__(self) -> int:
        return len(self._answers)

    @override
    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        if self._records:
            return None
        key = _key(prompt)
        if not (answers := self._answers.get(key)):
            self.misses += 1
            return None
        answer = answers[self._asked[key] % len(answers)]
        self._asked[key] += 1
        return [ChatGeneration(message=cast(AIMessage, messages_from_dict([dict(answer)])[0]))]

    @override
    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        if not self._records:
            return
        answer = message_to_dict(cast(ChatGeneration, return_val[0]).message)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"asked": _key(prompt), "answer": answer}, ensure_ascii=False) + "\n")

    @override
    def clear(self, **kwargs: Any) -> None:
        self._answers.clear()


class Replay(Thinking):
    """Answers from a cassette alone. What is not on it fails the scenario. Raises Misconfigured for an empty folder."""

    def __init__(self, folder: Path) -> None:
        self._cassette = Cassette(folder)
        if not len(self._cassette):
            raise Misconfigured(f"There are no recorded answers in {folder}.")
        model = ScriptedModel(model="replay", script=_not_recorded, cache=self._cassette)
        super().__init__("replay", model)

    @property
    @override
    def wrong(self) -> str | None:
        """A question that was never recorded."""
        misses, self._cassette.misses = self._cassette.misses, 0
        return f"{misses} questions stand on no cassette" if misses else None


def recorded(name: str, model: BaseChatModel, folder: Path) -> Thinking:
    """The model, with every answer written to the folder."""
    model.cache = Cassette(folder, records=True)
    return Thinking(name, model)


def _not_recorded(_: Sequence[BaseMessage], __: Sequence[Mapping[str, Any]]) -> AIMessage:
    raise LookupError("this question stands on no cassette")


def _key(prompt: str) -> str:
    said = [
        {name: value for name, value in message["kwargs"].items() if name not in _NOT_ASKED}
        for message in json.loads(prompt)
    ]
    asked = json.dumps([said, tool_schemas()], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()
