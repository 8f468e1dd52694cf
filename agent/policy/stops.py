"""Which stops are in force: what the customer's message signals, what this episode recorded, what is held.

A stop is named as in the policy file's [stops]: a signal, a record kind or a hold reason.
"""

from collections.abc import Mapping

from agent.policy.document import Policy
from agent.policy.steps import Stop
from agent.policy.verdict import Facts

# Record kinds that narrow nothing: the customer offers, asks or tells something that section 4 does not name.
_HARMLESS = frozenset(
    {
        "promise",
        "plan_request",
        "contact_change",
        "concession_request",
        "credit_hold_recommendation",
        "preference",
        "note",
    }
)
# Why an episode hands over, and the stop that this is. Being unsure stops nothing: a person is told.
_ESCALATIONS: Mapping[str, str | None] = {
    "self_harm": "safety", "threat": "safety", "complaint": "complaint", "asked_for_person": "person_asked",
    "unsure": None, "other": None,
}  # fmt: skip
# What an opt-out's confirmation may confirm.
OPT_OUTS = frozenset({"opt_out", "opt_out_elsewhere", "wrong_party"})
# A stop that the policy file does not list: unknown means no, so nothing may answer it.
_UNKNOWN = Stop(grave=True, templates=frozenset())


def opt_out(scope: str | None, channel: str | None) -> str:
    """The stop that an opt-out of that scope is for who wrote on `channel`: one of another channel leaves theirs open."""
    elsewhere = channel is not None and scope in ("sms", "email") and scope != channel
    return "opt_out_elsewhere" if elsewhere else "opt_out"


def said_now(facts: Facts) -> set[str]:
    """Stops of this conversation: found by code in the inbound message, or recorded by this episode."""
    signalled = (facts.inbound.signals if facts.inbound else frozenset()) - _HARMLESS
    return _recorded(facts) | signalled


def promised(facts: Facts) -> bool:
    """Whether a promise is open, or was recorded by this episode."""
    kinds = {dict(action.args.get("record") or {}).get("kind") for action in facts.staged}
    return "promise" in kinds or any(promise.state == "open" for promise in facts.account.promises)


def in_force(facts: Facts) -> set[str]:
    """All stops: of this conversation, and the reasons of active holds, disputes and suppressions."""
    account = facts.account
    standing = {hold.reason for hold in account.holds} | {
        suppression.reason for suppression in account.suppressions
    }
    return said_now(facts) | standing | ({"dispute"} if account.disputes else set())


def _recorded(facts: Facts) -> set[str]:
    stops: set[str] = set()
    for action in facts.staged:
        record = action.args.get("record")
        if action.tool != "log_collection_activity" or not isinstance(record, Mapping):
            continue
        kind = str(record.get("kind"))
        match kind:
            case "escalation":
                stop = _ESCALATIONS.get(str(record.get("why")), "escalation")
            case "opt_out":
                stop = opt_out(record.get("scope"), facts.inbound.channel if facts.inbound else None)
            case _:
                stop = kind
        if stop is not None and stop not in _HARMLESS:
            stops.add(stop)
    return stops


def of(policy: Policy, name: str) -> Stop:
    """The policy's entry for a stop; one that it does not list lets nothing through."""
    return policy.document.stops.get(name, _UNKNOWN)


def answers(policy: Policy, names: set[str], template: str | None) -> bool:
    """Whether that reviewed template may answer one of those stops."""
    return template is not None and any(template in of(policy, name).templates for name in names)


def gravest(policy: Policy, names: set[str]) -> set[str]:
    """The grave ones among those stops, or all of them where none is grave: these decide what may be answered."""
    return {name for name in names if of(policy, name).grave} or names
