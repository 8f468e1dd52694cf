"""Warm: what a process's first turns would read and compile, a second during which its event loop would stand still."""

import gc
from datetime import date

from agent.models.offline import dates, heard
from agent.signals import classifier, detect, language, phrases
from prompts import load
from tools.dunning import templates
from tools.dunning.figures import suspicious
from tools.dunning.wording import denied

# Long enough for the classifier, with figures, a date, and letters that are not ASCII.
_WORDS = "Could I pay $50 of it on Friday the 20th – please? ¿Cuánto debo todavía?"
_PARTS = ("disclosure", "disclosure_unnamed", "opt_out", "free_text")


def warm_up() -> None:
    """Read and compile it now, and take it from the garbage collector; blocks for about a second. The offline model's too: it may take any model's turns."""
    detect(_WORDS)
    language.written_in(_WORDS)
    for lexicon in ("talk.toml", "channels.toml"):
        phrases.load("agent.signals", lexicon)
    classifier.load("agent.models.offline", "intents.npz")
    for lexicon in ("intents.toml", "notes.toml"):
        phrases.load("agent.models.offline", lexicon)
    dates.find_dates(_WORDS, date.min)
    heard.corrected(_WORDS)
    denied(_WORDS)
    for file in ("system.md", "messages/phrases.toml"):
        load(file)
    for tongue in templates.LANGUAGES:
        suspicious(_WORDS, tongue)
        for channel in templates.CHANNELS:
            for part in _PARTS:
                templates.part(part, channel, tongue)
        for template in templates.templates().values():
            for channel in template.channels:
                template.text(channel, tongue)
    # All this stays. To look through it again and again would cost a tenth of a second each time.
    gc.collect()
    gc.freeze()
