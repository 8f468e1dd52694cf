"""What the words of a date mean on a given day. `dates` finds them; here each kind is read."""

import re
import tomllib
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any

from babel import Locale

from agent.signals.reading import fold


@cache
def data() -> Mapping[str, Any]:
    """`dates.toml`."""
    return tomllib.loads(resources.files("agent.models.offline").joinpath("dates.toml").read_text("utf-8"))


@cache
def months() -> Mapping[str, int]:
    """The months by their names and short forms."""
    names: dict[str, int] = dict(data()["months"])
    for language in ("en", "es"):
        for width in ("wide", "abbreviated"):
            names |= {
                fold(str(n)).rstrip("."): i for i, n in Locale(language).months["format"][width].items()
            }
    return names


@cache
def weekdays() -> Mapping[str, int]:
    """The weekdays by their names and short forms; Monday is 0."""
    names: dict[str, int] = dict(data()["weekdays"])
    # Spanish short forms are left out: "mar" is March as well, "sab" and "dom" nobody texts.
    for language, width in (("en", "wide"), ("en", "abbreviated"), ("es", "wide")):
        names |= {fold(str(n)).rstrip("."): i for i, n in Locale(language).days["format"][width].items()}
    return names


def _number(words: str) -> int:
    """The number of days, weeks or months in a span: digits or a word of `dates.toml`."""
    for word in words.split():
        if word.isdigit():
            return int(word)
        if word in data()["numbers"] and word not in ("a", "an"):
            return int(data()["numbers"][word])
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


def slash(words: str, today: date) -> date | None:
    """Month before day, as the tenant's country writes; but only where nobody could read it the other way."""
    month, day, *_ = map(int, words.split("/"))
    return None if day <= 12 and day != month else month_first(words, today)


def month_first(words: str, today: date) -> date | None:
    """Read "11/27" with the month first, as it must be where another date of the message can only be read so."""
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
    month = next(months()[word] for word in re.findall(r"[a-z]+", words) if word in months())
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
    return next(weekdays()[word] for word in words.split() if word in weekdays())


def _weekday(words: str, today: date) -> date | None:
    """The coming one. Said on that very weekday it could be today or in a week: None."""
    ahead = (_weekday_of(words) - today.weekday()) % 7
    return today + timedelta(days=ahead) if ahead else None


def _next_weekday(words: str, today: date) -> date:
    """That weekday of next week: the later reading, which breaks no promise; the acknowledgement names the date."""
    return today + timedelta(days=7 - today.weekday() + _weekday_of(words))


def _tomorrow_number(words: str, today: date) -> date | None:
    on = today + timedelta(days="hoy" not in words)
    return on if on.day == int(re.findall(r"\d+", words)[0]) else None


def _weekday_number(words: str, today: date) -> date | None:
    """Read "Friday 20", "viernes 20": the coming day of that number, if it is that weekday and was not just now."""
    on = _ordinal(re.findall(r"\d+", words)[0], today)
    if on is None and int(re.findall(r"\d+", words)[0]) == today.day:
        on = today
    weekday = _weekday_of(words.replace(",", ""))
    just_past = (
        today.day > int(re.findall(r"\d+", words)[0])
        and (_day(today.year, today.month, int(re.findall(r"\d+", words)[0])) or today).weekday() == weekday
    )
    return on if on and on.weekday() == weekday and not just_past else None


def _week_end(_: str, today: date) -> date | None:
    return today + timedelta(days=4 - today.weekday()) if today.weekday() <= 4 else None


def _ordinal(words: str, today: date) -> date | None:
    """The next such day of a month. Today's own number could mean today or next month: None."""
    digits = re.findall(r"\d+", words)
    day = int(digits[0]) if digits else int(data()["ordinals"][words.rsplit(maxsplit=1)[-1]])
    if day == today.day and "next" not in words:
        return None
    later = day < today.day or "next" in words
    first = _in_months(today.replace(day=1), 1 if later else 0)
    return _day(first.year, first.month, day)


READERS: Mapping[str, Callable[[str, date], date | None]] = {
    "iso": _iso,
    "slash": slash,
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
    "next_week_end": lambda _, today: today + timedelta(days=11 - today.weekday()),
    "weekday_number": _weekday_number,
    "tomorrow_number": _tomorrow_number,
    "next_first": lambda _, today: _in_months(today.replace(day=1), 1),
    "next_weekday": _next_weekday,
    "weekday": _weekday,
    "shy_weekday": _weekday,
    "ordinal": _ordinal,
    "bare_day": _ordinal,
    "spoken_day": _ordinal,
    "vague": lambda _, __: None,
}
