"""States, territories and provinces, and the time zones that somebody living there may be in.

Made by hand from the tz database and 49 CFR 71; a state that is split has every zone that a county of it keeps.
"""

from collections.abc import Mapping

_EASTERN, _CENTRAL, _MOUNTAIN, _PACIFIC = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
)
_BOISE, _ARIZONA = "America/Boise", "America/Phoenix"

ZONES: Mapping[str, tuple[str, ...]] = {
    "AL": (_CENTRAL,), "AK": ("America/Anchorage", "America/Adak"), "AZ": (_ARIZONA, _MOUNTAIN), "AR": (_CENTRAL,),
    "CA": (_PACIFIC,), "CO": (_MOUNTAIN,), "CT": (_EASTERN,), "DE": (_EASTERN,), "DC": (_EASTERN,),
    "FL": (_EASTERN, _CENTRAL), "GA": (_EASTERN,), "HI": ("Pacific/Honolulu",), "ID": (_BOISE, _PACIFIC),
    "IL": (_CENTRAL,), "IN": ("America/Indiana/Indianapolis", _CENTRAL), "IA": (_CENTRAL,),
    "KS": (_CENTRAL, _MOUNTAIN), "KY": ("America/Kentucky/Louisville", _CENTRAL), "LA": (_CENTRAL,), "ME": (_EASTERN,),
    "MD": (_EASTERN,), "MA": (_EASTERN,), "MI": ("America/Detroit", _CENTRAL), "MN": (_CENTRAL,), "MS": (_CENTRAL,),
    "MO": (_CENTRAL,), "MT": (_MOUNTAIN,), "NE": (_CENTRAL, _MOUNTAIN), "NV": (_PACIFIC, _MOUNTAIN),
    "NH": (_EASTERN,), "NJ": (_EASTERN,), "NM": (_MOUNTAIN,), "NY": (_EASTERN,), "NC": (_EASTERN,),
    "ND": (_CENTRAL, _MOUNTAIN), "OH": (_EASTERN,), "OK": (_CENTRAL,), "OR": (_PACIFIC, _BOISE), "PA": (_EASTERN,),
    "RI": (_EASTERN,), "SC": (_EASTERN,), "SD": (_CENTRAL, _MOUNTAIN), "TN": (_EASTERN, _CENTRAL),
    "TX": (_CENTRAL, _MOUNTAIN), "UT": (_MOUNTAIN,), "VT": (_EASTERN,), "VA": (_EASTERN,), "WA": (_PACIFIC,),
    "WV": (_EASTERN,), "WI": (_CENTRAL,), "WY": (_MOUNTAIN,),
    "PR": ("America/Puerto_Rico",), "VI": ("America/St_Thomas",), "GU": ("Pacific/Guam",),
    "MP": ("Pacific/Saipan",), "AS": ("Pacific/Pago_Pago",),
    "AB": ("America/Edmonton",), "BC": ("America/Vancouver", "America/Edmonton"), "MB": ("America/Winnipeg",),
    "NB": ("America/Moncton",), "NL": ("America/St_Johns", "America/Goose_Bay"), "NS": ("America/Halifax",),
    "ON": ("America/Toronto", "America/Winnipeg"), "PE": ("America/Halifax",),
    "QC": ("America/Toronto", "America/Halifax"), "SK": ("America/Regina", "America/Edmonton"),
}  # fmt: skip


def zones_of(region: str | None) -> tuple[str, ...]:
    """Zones of a state or province, written TX, tx or US-TX; none where it is not known."""
    return ZONES.get(code_of(region) or "", ())


def code_of(region: str | None) -> str | None:
    """The two letters of a state or province as a ledger writes it; None where it is none that we know."""
    code = (region or "").strip().upper().removeprefix("US-")
    return code if code in ZONES else None
