"""Who we are: the tenant, as messages and rules need it."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Company:
    """The business that is owed; due dates and business days are read in its time zone."""

    name: str
    zone: ZoneInfo
    currency: str
