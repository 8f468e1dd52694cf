"""Where people may be, by hand: every state and territory, numbers from elsewhere, and nobody-knows. No product code."""

from dataclasses import dataclass

E, C, M, P = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
_OWN = {
    "A": "America/Anchorage", "Z": "America/Phoenix", "D": "America/Adak", "H": "Pacific/Honolulu",
    "R": "America/Puerto_Rico", "V": "America/St_Thomas", "G": "Pacific/Guam", "N": "Pacific/Saipan", "S": "Pacific/Pago_Pago",
    "E": E, "C": C, "M": M, "P": P,
}  # fmt: skip
# State: the zones that some county of it keeps. Z and M in Arizona: the Navajo Nation keeps summer time.
_STATES = (
    "AL C|AK AD|AZ ZM|AR C|CA P|CO M|CT E|DE E|DC E|FL EC|GA E|HI H|ID MP|IL C|IN EC|IA C|KS CM|KY EC|LA C|ME E|MD E|"
    "MA E|MI EC|MN C|MS C|MO C|MT M|NE CM|NV PM|NH E|NJ E|NM M|NY E|NC E|ND CM|OH E|OK C|OR PM|PA E|RI E|SC E|SD CM|"
    "TN EC|TX CM|UT M|VT E|VA E|WA P|WV E|WI C|WY M|PR R|VI V|GU G|MP N|AS S"
)
STATES = {row.split()[0]: tuple(_OWN[letter] for letter in row.split()[1]) for row in _STATES.split("|")}
# Real prefixes with invented line numbers, and where the numbering plan puts them; a toll-free number says nothing.
NUMBERS: tuple[tuple[str, str | None], ...] = (
    ("+12122461234", E), ("+13122361234", C), ("+13036231234", M), ("+13102761234", P), ("+16022561234", _OWN["Z"]),
    ("+18085211234", _OWN["H"]), ("+19072761234", _OWN["A"]), ("+18504321234", C), ("+19154321234", M),
    ("+17872341234", _OWN["R"]), ("+16714721234", _OWN["G"]), ("+442079460000", "Europe/London"),
    ("+447400123456", "Europe/London"), ("+61291234567", "Australia/Sydney"), ("+18005551234", None), ("+18885551234", None),
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """What a ledger knows of where somebody is, and `zones`: those in which every message must be timely."""

    region: str | None
    phone: str
    stated: str | None
    zones: tuple[str, ...]  # none: nobody knows


def place(number: int) -> Place:
    """The place of a life: states in turn, with a number from anywhere, now and then a stated zone or no state at all."""
    regions = list(STATES)
    phone, of_number = NUMBERS[number % len(NUMBERS)]
    region = regions[(number // 3) % len(regions)] if number % 11 else None
    # Some write "US-TX" or "tx", some ledgers hold what is no state.
    written = region and (region, f"US-{region}", region.lower())[number % 3]
    if number % 13 == 0:
        stated = list(_OWN.values())[number % len(_OWN)]
        return Place(written, phone, stated, (stated,))
    known = {*(STATES[region] if region else ()), *((of_number,) if of_number else ())}
    return Place(written or ("Narnia" if number % 2 else None), phone, None, tuple(sorted(known)))


def home(region: str | None) -> str | None:
    """The state in two letters; None for what is none."""
    code = (region or "").upper().removeprefix("US-")
    return code if code in STATES else None
