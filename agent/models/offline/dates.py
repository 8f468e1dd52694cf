"""Dates as customers write them, in English and Spanish, read as a collector must: in the future or not at all.

`dateparser` was tried and is not used: on 17 November it reads "on the 4th" as 17 April, "we" as Wednesday
and "3 of the 5 invoices" as 5 March. A wrong date is a broken promise that nobody made; here what is not
certain is None, and the customer is asked.
"""

import re
import tomllib
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any

from babel import Locale

from agent.signals.reading import fold

_HORIZON = timedelta(days=300)  # a day further off is more likely the one that has just passed


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date expression at `start:end` of the text. `on` None: a time was named, but no certain day."""

    on: date | None
    start: int
    end: int


def find_dates(text: str, today: date) -> list[FoundDate]:
    """The date expressions of `text` in order. "next Friday" is Friday of next week; "Friday" is the coming one.

    None for what is past, vague or ambiguous: "4/12", "25/11" (day and month could have changed places), "payday".
    """
    found: list[FoundDate] = []
    matches = list(_pattern().finditer(fold(text)))
    # One date that can only be month before day ("11/27") says how the others beside it are meant ("12/4").
    month_first = any(match["slash"] and _slash(match["slash"], today) for match in matches)
    for match in matches:
        kind = match.lastgroup
        if kind is None or kind == "skip":
            continue
        read = _month_first if month_first and kind == "slash" else _READERS[kind]
        on = read(match.group(kind), today)
        certain = on if on is not None and today <= on <= today + _HORIZON else None
        found.append(FoundDate(certain, match.start(), match.end()))
    return found


@cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("agent.models.offline").joinpath("dates.toml").read_text("utf-8"))


@cache
def _months() -> Mapping[str, int]:
    names: dict[str, int] = dict(_data()["months"])
    for language in ("en", "es"):
        for width in ("wide", "abbreviated"):
            names |= {
                fold(str(n)).rstrip("."): i for i, n in Locale(language).months["format"][width].items()
            }
    return names


@cache
def _weekdays() -> Mapping[str, int]:
    names: dict[str, int] = dict(_data()["weekdays"])
    # Spanish short forms are left out: "mar" is March as well, "sab" and "dom" nobody texts.
    for language, width in (("en", "wide"), ("en", "abbreviated"), ("es", "wide")):
        names |= {fold(str(n)).rstrip("."): i for i, n in Locale(language).days["format"][width].items()}
    return names


def _any(words: Mapping[str, int]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


@cache
def _pattern() -> re.Pattern[str]:
    month, day = _any(_months()), _any(_weekdays())
    number = rf"\d{{1,2}}|{_any(_data()['numbers'])}"
    vague = "|".join(sorted(map(re.escape, _data()["vague"]["words"]), key=len, reverse=True))
    words = {
        w for w in _weekdays() if w in ("sat", "sun", "mon", "wed")
    }  # plain words, too: need a preposition
    firm = _any({w: 0 for w in _weekdays() if w not in words})
    shy = "|".join(sorted(words))
    no_date = (  # has the look of a day, and names none on which anything will be done
        rf"how (?:are|r|is|was) \w+(?: \w+)? (?:today|tonight|this (?:morning|week|{day}))"
        rf"|(?:happy|great|good|nice|lovely|blessed|feliz|buen|lindo) (?:{day}|weekend|week|fin de semana)"
        rf"|(?:i|we|he|she|husband|wife) (?:will |do )?gets? paid (?:on |by )?(?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)|(?:this |next )?(?:{day}))"
        rf"|last (?:{day}|week|month|year)|(?:el |la )?(?:{day}|semana|mes) pasad[oa]|(?:por|en|de|esta) la? ?manana"
    )
    parts = (
        rf"(?P<skip>{no_date})",
        r"(?P<iso>\d{4}-\d{1,2}-\d{1,2})",
        r"(?P<slash>\d{1,2}/\d{1,2}(?:/\d{2,4})?)(?![\d/])",
        rf"(?P<month_day>(?:{month})\.? (?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?:,? (?:20\d\d))?)(?![\d.,]*\d)",
        rf"(?P<day_month>\d{{1,2}}(?:st|nd|rd|th)? (?:of |de )?(?:{month})(?: (?:de |del )?20\d\d)?)",
        rf"(?P<from_then>(?:{number}) (?:days?|weeks?|months?) (?:from|after) (?:now|today|tomorrow|this {day}|{day}))",
        rf"(?P<after_next>(?:the )?(?:{day}) (?:after(?: next| that)?(?!\w)|following)|(?:the )?following (?:{day}))",
        rf"(?P<about>(?:in|within|en|dentro de) (?:about|around|like|maybe|roughly|approximately|some|unos|unas|como|mas o menos) (?:an? )?(?:{number}|couple|few)(?: of)? (?:days?|weeks?|months?|dias?|semanas?|mes(?:es)?))",
        r"(?P<day_after>(?:the )?day after tomorrow|pasado manana)",
        r"(?P<tomorrow>tom+or?r?ow|tmrow|tmrrw|tmrw|tmr|2mor(?:r?ow|o)|manana)",
        r"(?P<today>today|tonight|(?<=half )now|(?<=\d )now|(?<=bucks )now|(?<=dollars )now|right now|(?<=mitad )ahora(?: mismo)?|hoy(?: mismo)?|esta noche|ahora mismo)",
        rf"(?P<span>(?:in|within|en|dentro de) (?:an? )?(?:{number})(?: of)?(?: mas)?(?: business)? (?:days?|weeks?|months?|dias?|semanas?|mes(?:es)?))",
        r"(?P<month_end>(?:the )?(?:end|fin(?:es|al)?) (?:of|of the|of this|de|del|de este) (?:this )?(?:month|mes)|month end|eom)",
        r"(?P<next_month_end>(?:the )?(?:end|fin(?:es|al)?) (?:of next month|del? (?:proximo mes|mes que viene)))",
        r"(?P<week_end>(?:the )?end of (?:the|this) week|(?:al? )?fin(?:al)?(?:es)? de (?:la|esta) semana|eow)",
        r"(?P<next_first>(?:the )?(?:1st|first) of (?:the|next) month|primero? (?:de|del) (?:proximo )?mes)",
        rf"(?P<next_weekday>next (?:{day}))(?!s)",
        rf"(?P<weekday>(?:(?:this|this coming|coming|on|by|before|until|till|el proximo|proximo|este|el) )?(?:{firm})(?: que viene)?)(?!\w)",
        rf"(?P<shy_weekday>(?:this|coming|on|by|before|until|till) (?:{shy}))(?!\w)",
        r"(?P<ordinal>(?:(?:on|by|before|until|till) )?(?:the )?\d{1,2}(?:st|nd|rd|th)(?: of (?:this|next) month)?)",
        r"(?P<bare_day>(?:(?:on|by|before|until|till) the|el dia|para el|antes del|el) \d{1,2})(?![\d.,:/%]*\d| ?%| ?(?:invoice|payment|factura|pagos|dolar|peso|percent|por ciento))(?!\w)",
        rf"(?P<spoken_day>(?:on|by|before) the (?:{_any(_data()['ordinals'])}))(?! \w*(?:invoice|bill|one|payment|part|week|half))(?!\w)",
        rf"(?P<vague>{vague})(?!\w)",
    )
    return re.compile(r"(?<![\w$€£#/-])(?:" + "|".join(parts) + r")(?![\w])")


def _number(words: str) -> int:
    """The number of days, weeks or months in a span: digits or a word of `dates.toml`."""
    for word in words.split():
        if word.isdigit():
            return int(word)
        if word in _data()["numbers"] and word not in ("a", "an"):
            return int(_data()["numbers"][word])
    return 1


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:  # 31 November
        return None


def _in_months(today: date, months: int) -> date:
    year, month = divmod(today.year * 12 + today.month - 1 + months, 12)
    return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))


def _month_end(today: date, months: int) -> date:
    then = _in_months(today.replace(day=1), months)
    return then.replace(day=monthrange(then.year, then.month)[1])


def _iso(words: str, _: date) -> date | None:
    year, month, day = map(int, words.split("-"))
    return _day(year, month, day)


def _slash(words: str, today: date) -> date | None:
    """Month before day, as the tenant's country writes; but only where nobody could read it the other way."""
    month, day, *_ = map(int, words.split("/"))
    return None if day <= 12 and day != month else _month_first(words, today)


def _month_first(words: str, today: date) -> date | None:
    month, day, *years = map(int, words.split("/"))
    if month > 12:
        return None
    return _dated(today, month, day, str(years[0] if years[0] > 99 else 2000 + years[0]) if years else None)


def _dated(today: date, month: int, day: int, year: str | None) -> date | None:
    if year:
        return _day(int(year), month, day)
    this_year = _day(today.year, month, day)
    return this_year if this_year and this_year >= today else _day(today.year + 1, month, day)


def _named(words: str, today: date) -> date | None:
    month = next(_months()[word] for word in re.findall(r"[a-z]+", words) if word in _months())
    numbers = re.findall(r"\d+", words)
    return _dated(today, month, int(numbers[0]), numbers[1] if len(numbers) > 1 else None)


def _span(words: str, today: date) -> date:
    count = _number(re.sub(r"^(in|within|en|dentro de) ", "", words))
    if "month" in words or "mes" in words.rsplit(maxsplit=1)[-1]:
        return _in_months(today, count)
    return today + timedelta(days=count * (7 if "week" in words or "semana" in words else 1))


def _from_then(words: str, today: date) -> date | None:
    """A span from a named day, as "2 weeks from today" or "a week from Friday": that long after the day that is named."""
    span, _, then = re.split(r" (from|after) ", words, maxsplit=1)
    start = {"now": today, "today": today, "tomorrow": today + timedelta(days=1)}.get(then)
    start = start or _weekday(then, today)
    return _span(span, start) if start else None


def _weekday_of(words: str) -> int:
    return next(_weekdays()[word] for word in words.split() if word in _weekdays())


def _weekday(words: str, today: date) -> date | None:
    """The coming one. Said on that very weekday it could be today or in a week: None."""
    ahead = (_weekday_of(words) - today.weekday()) % 7
    return today + timedelta(days=ahead) if ahead else None


def _next_weekday(words: str, today: date) -> date:
    """That weekday of next week: the later reading, which breaks no promise; the acknowledgement names the date."""
    return today + timedelta(days=7 - today.weekday() + _weekday_of(words))


def _week_end(_: str, today: date) -> date | None:
    return today + timedelta(days=4 - today.weekday()) if today.weekday() <= 4 else None


def _ordinal(words: str, today: date) -> date | None:
    """The next such day of a month. Today's own number could mean today or next month: None."""
    digits = re.findall(r"\d+", words)
    day = int(digits[0]) if digits else int(_data()["ordinals"][words.rsplit(maxsplit=1)[-1]])
    if day == today.day and "next" not in words:
        return None
    later = day < today.day or "next" in words
    first = _in_months(today.replace(day=1), 1 if later else 0)
    return _day(first.year, first.month, day)


_READERS: Mapping[str, Callable[[str, date], date | None]] = {
    "iso": _iso,
    "slash": _slash,
    "month_day": _named,
    "day_month": _named,
    "from_then": _from_then,
    "after_next": lambda _, __: None,  # "the Friday after": a week after some other day
    "about": lambda _, __: None,
    "day_after": lambda _, today: today + timedelta(days=2),
    "tomorrow": lambda _, today: today + timedelta(days=1),
    "today": lambda _, today: today,
    "span": _span,
    "month_end": lambda _, today: _month_end(today, 0),
    "next_month_end": lambda _, today: _month_end(today, 1),
    "week_end": _week_end,
    "next_first": lambda _, today: _in_months(today.replace(day=1), 1),
    "next_weekday": _next_weekday,
    "weekday": _weekday,
    "shy_weekday": _weekday,
    "ordinal": _ordinal,
    "bare_day": _ordinal,
    "spoken_day": _ordinal,
    "vague": lambda _, __: None,
}
