"""What is written about the protocol is what is spoken."""

import json
import re
from importlib import resources

import jsonschema_rs

from evals.foreign import protocol

_FOLDER = resources.files("evals.foreign")


def _examples(fence: str) -> list[str]:
    readme = _FOLDER.joinpath("README.md").read_text("utf-8")
    return re.findall(rf"```{fence}\n(.*?)```", readme, re.DOTALL)


def test_the_schema_file_is_what_the_models_say() -> None:
    assert json.loads(_FOLDER.joinpath("schema.json").read_text("utf-8")) == protocol.schema()


def test_the_readmes_example_can_be_read_by_the_models_and_by_the_schema() -> None:
    posted = [body for text in _examples("sh") for body in re.findall(r"-d '(.*)'", text, re.DOTALL)]
    answered = _examples("json")
    episode, turn = posted
    opened, answer = answered

    protocol.Episode.model_validate_json(episode)
    protocol.TURN.validate_json(turn)
    protocol.Opened.model_validate_json(opened)
    assert [event.what for event in protocol.Answer.model_validate_json(answer).events] == [
        "promise", "message", "follow_up",
    ]  # fmt: skip
    for name, text in (("Episode", episode), ("Turn", turn), ("Opened", opened), ("Answer", answer)):
        whole = protocol.schema() | {"$ref": f"#/$defs/{name}"}
        jsonschema_rs.Draft202012Validator(whole).validate(json.loads(text))


def test_an_event_of_the_schema_has_no_turn_and_must_say_what_it_is() -> None:
    parts = protocol.schema()["$defs"]

    assert "turn" not in parts["Message"]["properties"]
    assert parts["Message"]["required"] == ["what", "channel", "text"]


def test_the_readme_names_every_event_and_every_turn() -> None:
    readme = _FOLDER.joinpath("README.md").read_text("utf-8")
    parts = protocol.schema()["$defs"].values()
    names = [
        part["properties"][key]["const"]
        for part in parts
        for key in ("what", "do")
        if key in part.get("properties", {})
    ]

    assert len(names) == 17
    assert [name for name in names if f"`{name}`" not in readme] == []
