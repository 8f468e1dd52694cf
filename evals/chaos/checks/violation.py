"""A violation: which promise was broken, on what, and what was seen."""

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["lost", "duplicates", "unauthorised", "stuck", "broken_audit", "out_of_order", "wrong_money"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise; `rule` names it, `subject` is what it was broken on."""

    kind: Kind
    rule: str
    subject: str
    why: str
