"""Dates as customers write them, in English and Spanish, read as a collector must: in the future or not at all.

`dateparser` was tried and is not used: on 17 November it reads "on the 4th" as 17 April, "we" as Wednesday
and "3 of the 5 invoices" as 5 March. A wrong date is a broken promise that nobody made; here what is not
certain is None, and the customer is asked.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from agent.models.offline.days import READERS, data, month_first, months, slash, weekdays
from agent.signals.reading import fold

_BESIDE = re.compile(r",? ?(?:the |el |that is |\()?")  # what may stand between two words for one day
_HORIZON = timedelta(days=300)  # a day further off is more likely the one that has just passed


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date expression at `start:end` of the text. `on` None: a time was named, but no certain day.

    `event` is what will happen then ("payday", "when my refund comes") or a day told of beside the point ("I get paid
    the 26th"): it explains another day, and promises nothing itself.
    """

    on: date | None
    start: int
    end: int
    event: bool = False


def find_dates(text: str, today: date) -> list[FoundDate]:
    """The date expressions of `text` in order. "next Friday" is Friday of next week; "Friday" is the coming one.

    None for what is past, vague or ambiguous: "4/12", "25/11" (day and month could have changed places), "payday".
    """
    return [one for one in told_dates(text, today) if not (one.event and one.on)]


def told_dates(text: str, today: date) -> list[FoundDate]:
    """As `find_dates`, with the days on which something else happens ("I get paid the 26th") as events."""
    found: list[FoundDate] = []
    folded = fold(text)
    matches = list(_pattern().finditer(folded))
    # One date that can only be month before day ("11/27") says how the others beside it are meant ("12/4").
    month_is_first = any(match["slash"] and slash(match["slash"], today) for match in matches)
    for match in matches:
        kind = match.lastgroup
        if kind is None or kind == "skip":
            continue
        if kind == "payday":
            day = _certain(match.group(kind).split("paid", 1)[1], today)
            found += [FoundDate(day, match.start(), match.end(), event=True)] if day else []
            continue
        if kind == "same_day":
            before = next((one.on for one in reversed(found) if one.on), None)
            found += [FoundDate(before, match.start(), match.end())] if before else []
            continue
        read = month_first if month_is_first and kind == "slash" else READERS[kind]
        on = read(match.group(kind), today)
        certain = on if on is not None and today <= on <= today + _HORIZON else None
        event = kind == "vague" and match.group(kind) in data()["vague"]["events"]
        found.append(FoundDate(certain, match.start(), match.end(), event))
    return _together(found, folded)


def _certain(words: str, today: date) -> date | None:
    """The one certain day that is named in `words`."""
    days = [one.on for one in find_dates(words, today) if one.on]
    return days[0] if len(days) == 1 else None


def _together(found: Sequence[FoundDate], folded: str) -> list[FoundDate]:
    """Two words for one day as one: "Friday the 20th", "Tues Nov 24", "viernes 20". Where they differ it is no certain day."""
    joined: list[FoundDate] = []
    for one in found:
        last = joined[-1] if joined else None
        between = folded[last.end : one.start] if last else ""
        if last is None or last.event or one.event or not _BESIDE.fullmatch(between):
            joined.append(one)
            continue
        on = _agreed(folded[last.start : last.end], last.on, one.on)
        joined[-1] = FoundDate(on, last.start, one.end)
    return joined


def _agreed(words: str, before: date | None, on: date | None) -> date | None:
    """The day of a date with other words for it before: a weekday says which weekday it is, not which week."""
    weekday = next((weekdays()[word] for word in words.split() if word in weekdays()), None)
    if weekday is not None and not any(char.isdigit() for char in words):
        return on if on and on.weekday() == weekday else None
    return on if on == before else None


def spelled_words() -> list[str]:
    """The words that dates are made of, as they are spelled."""
    return [*months(), *weekdays(), *data()["numbers"], *data()["ordinals"], *data()["spelled"]]


def _any(words: Mapping[str, int]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


@cache
def _pattern() -> re.Pattern[str]:
    month, day = _any(months()), _any(weekdays())
    number = rf"\d{{1,2}}|{_any(data()['numbers'])}"
    vague = "|".join(sorted(map(re.escape, data()["vague"]["words"]), key=len, reverse=True))
    words = {
        w for w in weekdays() if w in ("sat", "sun", "mon", "wed")
    }  # plain words, too: need a preposition
    firm = _any({w: 0 for w in weekdays() if w not in words})
    shy = "|".join(sorted(words))
    no_date = (  # has the look of a day, and names none on which anything will be done
        rf"how (?:are|r|is|was) \w+(?: \w+)? (?:today|tonight|this (?:morning|week|{day}))"
        rf"|(?:happy|great|good|nice|lovely|blessed|feliz|buen|lindo) (?:{day}|weekend|week|fin de semana)"
        rf"|desde(?: el)? (?:{day})|since (?:{day}|(?:the )?\d{{1,2}}(?:st|nd|rd|th)?|(?:{month}) \d{{1,2}})"
        rf"|un (?:{day}) si y otro no|(?:every|each|cada) (?:other |second |two |dos )?(?:{day})"
        rf"|last (?:{day}|week|month|year)|(?:el |la )?(?:{day}|semana|mes) pasad[oa]|(?:por|en|de|toda|cada)? ?las? mananas?|esta manana"
    )
    parts = (
        rf"(?P<skip>{no_date})",
        rf"(?P<payday>(?:i|we|he|she|husband|wife) (?:will |do )?gets? paid (?:on |by )?(?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)|(?:this |next )?(?:{day})))",
        r"(?P<same_day>(?:on )?th(?:at|e) (?:very |same )+(?:day|morning|afternoon|evening|night)|that (?:day|morning|afternoon|evening|night)|es[ea] (?:mism[oa] |mero )?(?:dia|manana|tarde|noche))",
        r"(?P<iso>\d{4}-\d{1,2}-\d{1,2})",
        r"(?P<slash>\d{1,2}/\d{1,2}(?:/\d{2,4})?)(?![\d/])",
        rf"(?P<month_day>(?:{month})\.? (?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?:,? (?:20\d\d))?)(?![\d.,]*\d)",
        rf"(?P<day_month>\d{{1,2}}(?:st|nd|rd|th)? (?:of |de )?(?:{month})(?: (?:de |del )?20\d\d)?)",
        rf"(?P<from_then>(?:{number}) (?:days?|weeks?|months?) (?:from|after) (?:now|today|tomorrow|this {day}|{day}))",
        rf"(?P<after_next>(?:the )?(?:{day}) (?:after(?: next| that)?(?!\w)|following)|(?:the )?following (?:{day}))",
        rf"(?P<about>(?:in|within|en|dentro de) (?:about|around|like|maybe|roughly|approximately|some|unos|unas|como|mas o menos) (?:an? )?(?:{number}|couple|few)(?: of)? (?:days?|weeks?|months?|dias?|semanas?|mes(?:es)?))",
        r"(?P<day_after>(?:the )?day after tomorrow|pasado manana)",
        r"(?P<tomorrow_number>(?:manana|hoy),? (?:dia )?\d{1,2})(?![\d.,:/%]*\d| ?%| ?(?:dolar|peso|bucks|dollar|por))(?!\w)",
        r"(?P<tomorrow>tom+or?r?ow|tmrow|tmrrw|tmrw|tmr|2mor(?:r?ow|o)|manana)",
        r"(?P<today>today|tonight|(?<=half )now|(?<=\d )now|(?<=bucks )now|(?<=dollars )now|right now|(?<=mitad )ahora(?: mismo)?|hoy(?: mismo)?|esta noche|ahora mismo)",
        rf"(?P<span>(?:in|within|en|dentro de) (?:an? )?(?:{number})(?: of)?(?: mas)?(?: business)? (?:days?|weeks?|months?|dias?|semanas?|mes(?:es)?))",
        r"(?P<month_end>(?:the )?(?:end|fin(?:es|al)?) (?:of|of the|of this|de|del|de este) (?:this )?(?:month|mes)|month end|eom)",
        r"(?P<next_month_end>(?:the )?(?:end|fin(?:es|al)?) (?:of next month|del? (?:proximo mes|mes que viene)))",
        r"(?P<next_week_end>(?:the )?end of next week|(?:al? )?fin(?:al)?(?:es)? de (?:la )?(?:proxima semana|semana que viene|semana proxima))",
        r"(?P<week_end>(?:the )?end of (?:the|this) week|(?:al? )?fin(?:al)?(?:es)? de (?:la|esta) semana|eow)",
        r"(?P<next_first>(?:the )?(?:1st|first) of (?:the|next) month|primero? (?:de|del) (?:proximo )?mes)",
        rf"(?P<weekday_number>(?:(?:this|on|by|before|until|till|el|este|para el|proximo) )?(?:{day}),? (?:dia )?\d{{1,2}})(?![\d.,:/%]*\d|st|nd|rd|th| ?%| ?(?:dolar|peso|bucks|dollar|per))(?!\w)",
        rf"(?P<next_weekday>next (?:{day}))(?!s)",
        rf"(?P<weekday>(?:(?:this|this coming|coming|on|by|before|until|till|el proximo|proximo|este|el) )?(?:{firm})(?: que viene)?)(?!\w)",
        rf"(?P<shy_weekday>(?:this|coming|on|by|before|until|till) (?:{shy}))(?!\w)",
        r"(?P<ordinal>(?:(?:on|by|before|until|till) )?(?:the )?\d{1,2}(?:st|nd|rd|th)(?: of (?:this|next) month)?)",
        r"(?P<bare_day>(?:(?:on|by|before|until|till) the|el dia|para el|antes del|el) \d{1,2})(?![\d.,:/%]*\d| ?%| ?(?:invoice|payment|factura|pagos|dolar|peso|percent|por ciento))(?!\w)",
        rf"(?P<spoken_day>(?:on|by|before) the (?:{_any(data()['ordinals'])}))(?! \w*(?:invoice|bill|one|payment|part|week|half))(?!\w)",
        rf"(?P<vague>{vague})(?!\w)",
    )
    return re.compile(r"(?<![\w$€£#/-])(?:" + "|".join(parts) + r")(?![\w])")
