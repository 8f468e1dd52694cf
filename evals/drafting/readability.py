"""How hard a text is to read: Flesch-Kincaid grade for English, Fernandez-Huerta for Spanish. Pure arithmetic.

Kincaid, Fishburne, Rogers and Chissom 1975 (grade = 0.39 words/sentence + 11.8 syllables/word - 15.59); Fernandez Huerta
1959, as corrected by Law 2011 (206.84 - 60 syllables/word - 1.02 words/sentence; 60 and more is plain Spanish). Sentences
end as Flesch counts them: at a full stop, a question or exclamation mark, a colon, a semicolon, or the end of a line.
`textstat` computes the same, but fetches its dictionary over the network when it first counts a syllable.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LINK = re.compile(r"https?://\S+")
_FIGURE = re.compile(r"\S*\d\S*")
_SENTENCE = re.compile(r"[.!?;:]+(?=\s|$)|\n+")
_VOWELS = re.compile(r"[aeiouy]+")
_SILENT = re.compile(
    r"(?<=[^aeiouy])(?:es|ed|e)$"
)  # "paid", "pause", "notes", "stopped": the e is not heard ...
_HEARD = re.compile(
    r"(?:[td]ed|(?:[sxz]|ch|sh|[cg])es|[^aeiouy]le|[^aeiouy]les|[^aeiouy]led)$"
)  # ... here it is
_TWO_VOWELS = re.compile(r"ia(?!l\b|n\b)|io(?!u|n)|iu|eo(?!u)|ua[lt]|ying")  # two that are heard apart
_STRONG = "aeoáéóíú"  # in Spanish two strong vowels are two syllables; a weak one beside any joins it


@dataclass(frozen=True, slots=True)
class Reading:
    """What the formulas are made of."""

    words: int
    sentences: int
    syllables: int

    @property
    def grade(self) -> float:
        """Years of school that an English text asks for (Flesch-Kincaid)."""
        return 0.39 * self.words / self.sentences + 11.8 * self.syllables / self.words - 15.59

    @property
    def ease(self) -> float:
        """How easy a Spanish text is (Fernandez-Huerta): 0 hard, 100 easy."""
        return 206.84 - 60 * self.syllables / self.words - 1.02 * self.words / self.sentences


def reading(text: str, language: str) -> Reading:
    """Count `text`. A figure, a number or a link is one word of one syllable: it is looked at, not read out."""
    plain = _FIGURE.sub(_one_syllable, _LINK.sub("it", text))
    sentences = [words for part in _SENTENCE.split(plain) if (words := _WORD.findall(part))]
    count = _spanish if language == "es" else _english
    words = [word for sentence in sentences for word in sentence]
    return Reading(len(words) or 1, len(sentences) or 1, sum(map(count, words)) or 1)


def _one_syllable(figure: re.Match[str]) -> str:
    return "it" + "".join(re.findall(r"[.!?;:,]+$", figure[0]))


def _english(word: str) -> int:
    return sum(max(1, _english_part(part)) for part in re.split(r"['’-]", word.lower()) if len(part) > 2) or 1


def _english_part(word: str) -> int:
    heard = word if _HEARD.search(word) else _SILENT.sub("", word)
    return len(_VOWELS.findall(heard)) + len(_TWO_VOWELS.findall(heard))


def _spanish(word: str) -> int:
    vowels = re.sub(r"(?<=[gq])u(?=[eiéí])", "", word.lower())
    vowels = re.sub(r"y(?![aeiouáéíóú])", "i", vowels)
    groups = re.findall(r"[aeiouáéíóúü]+", vowels)
    return max(1, sum(1 + _breaks(group) for group in groups))


def _breaks(group: str) -> int:
    return sum(a in _STRONG and b in _STRONG for a, b in pairwise(group))
