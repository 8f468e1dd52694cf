"""Whether the domain of the From address vouches for a mail: DKIM, as SendGrid checked it when the mail came in."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from tools.channels.mail.model import Address

Authentic = Literal["pass", "fail", "none"]

_VERDICTS = re.compile(r"\{?\s*@[\w.-]{1,253}\s*:\s*\w{1,20}(?:\s*,\s*@[\w.-]{1,253}\s*:\s*\w{1,20})*\s*\}?")
_VERDICT = re.compile(r"@([\w.-]{1,253})\s*:\s*(\w{1,20})")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One DKIM signature: the domain that signed and the result ("pass", "fail", ..)."""

    domain: str
    result: str


def dkim_verdicts(field: str) -> tuple[Verdict, ...]:
    """SendGrid's `dkim` field, such as "{@example.com : pass}". A field of any other form says nothing."""
    if len(field) > 10_000 or not _VERDICTS.fullmatch(field.strip()):
        return ()
    return tuple(
        Verdict(domain.lower().strip("."), result.lower()) for domain, result in _VERDICT.findall(field)
    )


def authentic(sender: Address | None, verdicts: Collection[Verdict]) -> Authentic:
    """Whether the domain of the From address signed this mail.

    "pass": every signature passed and one is aligned with From: by the same domain or one above it (d=example.com for
    mail.example.com). Stricter than DMARC's relaxed mode in two ways, as there is no list of public suffixes here and the field is
    text: a domain below From's own (d=evil.github.io for github.io) is not aligned, and a failed signature beside a good
    one leaves the mail unvouched, because the name of a forged signature could be written to look like two.
    "fail": a signature of From's domain did not pass. "none": nobody vouches. Only "pass" may be trusted.
    """
    if sender is None:
        return "none"
    aligned = [each for each in verdicts if _aligned(sender.domain, each.domain)]
    if any(each.result != "pass" for each in aligned):
        return "fail"
    return "pass" if aligned and all(each.result == "pass" for each in verdicts) else "none"


def _aligned(sender: str, signer: str) -> bool:
    return "." in signer and (sender == signer or sender.endswith(f".{signer}"))
