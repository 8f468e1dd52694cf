"""What looks like a figure, a date, a link or an address: in digits, in symbols or in words."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from babel.dates import get_day_names, get_month_names

_NUMBER_WORDS = {
    "en": "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands "
    "million millions dozen half halves quarter double triple twice zero grand",
    "es": "dos tres cuatro cinco seis siete ocho nueve diez doce trece catorce quince dieciseis diecisiete dieciocho "
    r"diecinueve veinte veinti\w+ treinta cuarenta cincuenta sesenta setenta ochenta noventa cien ciento cientos "
    r"\w+cientos \w+cientas quinientos quinientas mil miles millon millones mitad tercio doble triple docena cero",
}
STRUCK = "\N{BLACK SQUARE}"  # stands where a record explains what was written
# Number words that are also written together: "twohundred".
_COMPOUND = (
    "one|two|three|four|five|six|seven|eight|nine|ten|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand"
    "|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|veinte|treinta|cuarenta|cincuenta|cien|mil"
)
_ONLY_SPANISH = "once"  # eleven, but an English adverb
_SLANG = "c[ -]?notes?|benjamins?|quid|sawbucks?|tenners?|fivers?"
_MONEY_WORDS = "dollars?|dolar(?:es)?|bucks?|cents?|centavos?|euros?|pesos?|pounds?|usd|eur|gbp|cad|mxn"
_TIMES = "hours?|days?|weeks?|months?|minutes?|horas?|dias?|semanas?|mes(?:es)?|minutos?"
UNITS = f"percent|per cent|por ciento|off|{_MONEY_WORDS}|{_TIMES}"
_TOPS = "com|net|org|io|info|biz"
# After a dot in words; of Spanish, where "punto" is a word of every day, only those that no word begins with.
_SPOKEN = rf"dot [a-z]{{2,24}}|punto (?:{_TOPS}|shop|store|app|xyz|site|online|link|top|club|pay|page|co|us|mx|tienda)"
_VEILED = r"[\[({<]\s*(?:\.|dot|punto|at|arroba)\s*[\])}>]"  # a dot or an at sign in brackets, or spelled out in them
_SCHEMES = "javascript|data|tel|sms|mailto|file|ftp|hxxps?"
_LINK = re.compile(
    r"\S*(?:[a-z][a-z0-9+.-]*://|www\.|@)\S*"
    r"|\S*[a-z0-9-]{2,}(?:[.。]|\[\.\]|\(\.\))[a-z]{2,24}(?![a-z])\S*"
    rf"|\b(?:{_SPOKEN})\b|(?:\b(?:dot|punto)| ?\.) ?(?:{_TOPS})\b|\S*[a-z0-9-]{{2,}},(?:{_TOPS})\b\S*"
    r"|\S*[a-z0-9-]\.[a-z]{2,24}/\S*|\b(?:bit|tinyurl|goo|wa|ow) (?:ly|gl|me|com)/\S*|\bwww\b"
    rf"|\S*\s?{_VEILED}\s?\S*|\b(?:{_SCHEMES}):\S+",
    re.IGNORECASE,
)
# What every match of _LINK holds; most texts do not, once the links that they may name are struck out.
_MAYBE_LINK = re.compile(
    rf"://|www|@|[.。\])][a-z]|(?:dot|punto|[.,]) ?(?:{_TOPS})|dot |punto |(?:ly|gl|me|com)/|{_VEILED}|(?:{_SCHEMES}):",
    re.IGNORECASE,
)
_ASCII_FIGURE = re.compile(r"[0-9%$]")  # what `_is_figure` says of ASCII
_MODAL_MONTHS = frozenset({"may", "march"})  # words of their own: months only after a preposition
_UNTIL = "(?:by|on|before|until|till|from|next|this)"
_ORDINALS = (
    "fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth"
    "|eighteenth|nineteenth|twentieth|thirtieth"
)
_SPACED = re.compile(r"\b(?:[a-z] ){2,}[a-z]\b")  # letters with spaces between them: "t w o"
_SOON = (
    r"tomorrow|tonight|(?:month|year)[ -]end|end of (?:the )?(?:day|week|month|year)|(?:this|next) (?:week|month|year)"
    r"|(?:end|close) of business|eod|eob|cob|eow|eom|noon|midnight|mediodia|medianoche"
    rf"|(?:in|within) (?:a|an|the) (?:{_TIMES}|fortnight)|(?:in|within) the hour"
    rf"|{_UNTIL} (?:mon|tues?|wed|thu(?:rs?)?|fri|sat|sun)"
    rf"|{_UNTIL} (?:the |this |next )?weekend"
    rf"|{_UNTIL} the (?:first|second|third|{_ORDINALS})"
    r"|(?:a|an|one|two|un|dos) (?:thirds?|fifths?|sixths?|eighths?|tenths?)|un tercio"
    r"|(?:by|before|until|till|antes de|para) (?:christmas|easter|thanksgiving|halloween|new year|navidad|ano nuevo|semana santa)"
    r"|(?<!la )manana|esta noche|fin(?:al)? de (?:mes|semana|ano)|(?:esta|proxima) semana|(?:este|proximo) mes"
)


def suspicious(text: str, language: str) -> list[str]:
    """Everything in `text` (unaccented, single-spaced) that states a figure, a date, a link or an address."""
    found = []
    if _MAYBE_LINK.search(text):
        found = [match[0].strip(".,;:!?()") for match in _LINK.finditer(text)]
        text = _LINK.sub(" ", text)
    found += _number_runs(text)
    # Folding the case beforehand is twice as fast as ignoring it, and the same as long as no letter folds oddly.
    odd = not text.replace(STRUCK, "").isascii()
    words = _words(language, re.IGNORECASE if odd else re.NOFLAG)
    read = text if odd else text.lower()
    found += [text[slice(*match.span())] for match in words.finditer(read)]
    for run in _SPACED.findall(read.lower()):
        if words.search(run.replace(" ", "")):
            found.append(run)
    return list(dict.fromkeys(found))


def _number_runs(text: str) -> list[str]:
    """Tokens with a digit of any script, a currency sign or a percent sign; neighbours together, as in a phone number."""
    runs: list[list[str]] = [[]]
    for token in text.split():
        if _has_figure(token):
            runs[-1].append(token)
        elif runs[-1]:
            runs.append([])
    return [" ".join(run).strip(".,;:!?()") for run in runs if run]


def _has_figure(token: str) -> bool:
    if token.isascii():
        return not token.isalpha() and _ASCII_FIGURE.search(token) is not None
    return any(map(_is_figure, token))


def _is_figure(char: str) -> bool:
    return char == "%" or unicodedata.category(char) == "Sc" or unicodedata.numeric(char, None) is not None


@cache
def _words(language: str, flags: re.RegexFlag) -> re.Pattern[str]:
    numbers = "|".join(" ".join(_NUMBER_WORDS.values()).split())
    if language == "es":
        numbers += "|" + _ONLY_SPANISH
    days = "|".join(
        name for code in ("en", "es") for name in _plain(get_day_names("wide", locale=code).values())
    )
    names = {name for code in ("en", "es") for name in _plain(get_month_names("wide", locale=code).values())}
    months = "|".join(sorted(names - _MODAL_MONTHS))
    return re.compile(
        rf"\b(?:(?:{_COMPOUND}){{2,}}|[mdclxvi]{{2,}} (?:{_MONEY_WORDS})|{numbers}|{_SLANG}|{_SOON}|{days}|{months}|(?:percent|per cent|por ciento)"
        rf"|(?:in|by|on|until|till|before|of|since|from|early|late|mid)[ -](?:{'|'.join(sorted(_MODAL_MONTHS))})"
        rf"|(?:a|an|un|una) (?:{_MONEY_WORDS})|(?:one|uno?|una) (?:{_MONEY_WORDS}|{_TIMES}))\b",
        flags,
    )


def _plain(names: Iterable[object]) -> list[str]:
    decomposed = (unicodedata.normalize("NFKD", str(name).lower()) for name in names)
    return ["".join(char for char in name if not unicodedata.combining(char)) for name in decomposed]
