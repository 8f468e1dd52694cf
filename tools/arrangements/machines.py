"""What an arrangement may become, and who may make it so: one table for each kind, the same as in the database.

The database refuses every other step whoever writes (trigger `arrangement_moves`); a test compares the two.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from tools.errors import Conflict, Forbidden, Invalid

Kind = Literal["promise", "plan", "dispute", "hold", "ledger_request"]
Mover = Literal["system", "collector", "manager"]
"""`system` is this product, under a permit or on the ledger's evidence; a person needs that role or a higher one."""

_SYSTEM, _COLLECTOR, _MANAGER = (
    frozenset[Mover]({"system"}),
    frozenset[Mover]({"collector"}),
    frozenset[Mover]({"manager"}),
)

START = ""
MACHINES: Mapping[Kind, Mapping[tuple[str, str], frozenset[Mover]]] = MappingProxyType(
    {
        "promise": {
            (START, "open"): _SYSTEM,
            ("open", "kept"): _SYSTEM,  # by the ledger alone: nobody's word keeps a promise
            ("open", "partial"): _SYSTEM,
            ("open", "broken"): _SYSTEM,
            ("open", "cancelled"): _SYSTEM
            | _COLLECTOR,  # replaced by a newer one or by a plan, or called off
        },
        "plan": {
            (START, "approved"): _SYSTEM,
            ("approved", "offered"): _SYSTEM,  # the message with the offer has left
            ("approved", "rejected"): _COLLECTOR,
            ("approved", "replaced"): _SYSTEM,
            ("offered", "active"): _SYSTEM,  # the customer accepted it
            ("offered", "rejected"): _COLLECTOR,
            ("offered", "replaced"): _SYSTEM,
            ("active", "completed"): _SYSTEM,
            ("active", "defaulted"): _SYSTEM,
            ("active", "replaced"): _SYSTEM,
            ("active", "cancelled"): _COLLECTOR,
            ("defaulted", "replaced"): _SYSTEM,  # a new plan was accepted in its place
            ("defaulted", "cancelled"): _COLLECTOR,  # a person sends the account back to the ladder
        },
        "dispute": {
            (START, "open"): _SYSTEM,
            ("open", "under_review"): _COLLECTOR,
            **{
                (state, end): _COLLECTOR
                for state in ("open", "under_review")
                for end in ("resolved_for_customer", "resolved_for_us", "withdrawn")
            },
        },
        "hold": {
            (START, "active"): _SYSTEM,
            ("active", "lifted"): _SYSTEM
            | _COLLECTOR,  # a grave one by a manager only: see agent.cycle.arrangements
        },
        "ledger_request": {
            (START, "proposed"): _COLLECTOR,
            (START, "approved"): _SYSTEM,  # its proposal was approved as every action of the agent is
            ("proposed", "approved"): _MANAGER,
            ("proposed", "rejected"): _MANAGER,
            ("proposed", "withdrawn"): _SYSTEM
            | _COLLECTOR,  # nobody agreed in time, or a person takes it back
            ("approved", "entered"): _SYSTEM | _COLLECTOR,  # the ledger shows it, or a person says so
            ("approved", "withdrawn"): _MANAGER,
        },
    }
)


def assert_move(kind: Kind, before: str, after: str, mover: Mover) -> None:
    """Whether `mover` may make that step.

    Raises Invalid for a state that the kind does not have, Conflict for a step that is not in its table, and
    Forbidden for one that this mover may not make. A manager may do what a collector may.
    """
    machine = MACHINES[kind]
    if after not in {state for _, state in machine}:
        raise Invalid(f"There is no {kind} that is {after!r}.")
    movers = machine.get((before, after))
    if movers is None:
        raise Conflict(f"A {kind.replace('_', ' ')} that is {before or 'new'} cannot become {after}.")
    if mover not in movers and not (mover == "manager" and "collector" in movers):
        needed = " or ".join(sorted(movers))
        raise Forbidden(f"That a {kind.replace('_', ' ')} becomes {after} takes a {needed}.")


def sources(kind: Kind, after: str) -> list[str]:
    """The states from which one of that kind may become `after`."""
    return sorted(before for before, end in MACHINES[kind] if end == after)
