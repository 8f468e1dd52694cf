"""The reviewed templates: what each is for, and its text by channel and language."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from prompts import Prompt, load
from tools.dunning.errors import Undraftable
from tools.dunning.generate_dunning_message import MessageChannel, Purpose, Tone

Language = Literal["en", "es"]
Identity = Literal["named", "unnamed", "own"]
CHANNELS: tuple[MessageChannel, ...] = ("email", "sms")
LANGUAGES: tuple[Language, ...] = ("en", "es")


@dataclass(frozen=True, slots=True)
class Template:
    """One row of `prompts/messages/index.toml`, where the fields are explained."""

    name: str
    says: str
    purpose: Purpose
    tone: Tone
    needs: Sequence[str]
    collection: bool
    identity: Identity = "named"
    channels: Sequence[MessageChannel] = CHANNELS

    def text(self, channel: MessageChannel, language: Language) -> Prompt:
        """Its text. Raises Undraftable where it is not written for that channel."""
        if channel not in self.channels:
            raise Undraftable(
                f"Template {self.name} is not written for {channel}; use {' or '.join(self.channels)}."
            )
        return load(f"messages/{self.name}.{channel}.{language}.md")


@cache
def templates() -> Mapping[str, Template]:
    """Every reviewed template by its name, in the order of the index."""
    index = tomllib.loads(load("messages/index.toml").text)
    return {name: Template(name=name, **row) for name, row in index.items()}


def find_template(name: str) -> Template:
    """The template with that name. Raises Undraftable, naming the templates there are."""
    template = templates().get(name)
    if template is None:
        raise Undraftable(f"There is no template {name!r}; there are {', '.join(templates())}.")
    return template


def part(name: str, channel: MessageChannel, language: Language) -> Prompt:
    """A text that frames messages: disclosure, opt_out or free_text."""
    return load(f"messages/parts/{name}.{channel}.{language}.md")


def reviewed_language(wanted: str) -> tuple[Language, bool]:
    """The language to write in for a customer's language tag, and whether it is a fallback to English."""
    for language in LANGUAGES:
        if wanted.replace("_", "-").lower().split("-")[0] == language:
            return language, False
    return "en", True
