"""Compare two policies: what a file changes against the packaged default, and whether a change loosens a rule."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from agent.policy.document import Document

Way = Literal["looser", "stricter", "other"]
_MODES = ("observe", "draft", "assisted", "automatic")
# What lets nothing more happen, whatever it says. A key that stands in none of these lists counts as looser until
# somebody has shown that it is not: a zone, a template, a purpose or a channel among them.
_NEITHER = (
    "ladders.*.tone",
    "ladders.*.step",
    "jurisdictions.*.source",
    "jurisdictions.*.unverified",
    "jurisdictions.*.unverified.*",
)
# Where a larger value lets more happen, and where it lets less. A time of day or a mode compares as its place does.
_MORE_IS_LOOSER = (
    "segments.*.mode", "segments.*.start", "segments.*.actions.*", "limits.*", "promise.horizon_days", "promise.span_days", "window.end",
    "window.safe_end", "window.max_zones", "window.reply_minutes", "budget.*", "approval.*", "freshness.*",
    "autonomy.promote.edit_distance", "autonomy.promote.complaints", "autonomy.promote.false_positives", "autonomy.demote.*",
    "jurisdictions.*.since", "jurisdictions.*.end", "jurisdictions.*.per_week", "jurisdictions.*.past_due_over",
)  # fmt: skip
_MORE_IS_STRICTER = (
    "autonomy.promote.accepted", "autonomy.promote.unchanged", "promise.grace_days", "promise.float_days", "window.start", "window.safe_start", "ladders.*.days", "stops.*.grave",
    "jurisdictions.*.on", "jurisdictions.*.until", "jurisdictions.*.start", "jurisdictions.*.consent",
    "jurisdictions.*.businesses",
)  # fmt: skip
# Sets of which one more lets more happen, or less.
_ADDING_IS_LOOSER = ("stops.*.templates",)
_ADDING_IS_STRICTER = (
    "jurisdictions.*.regions", "jurisdictions.*.profiles", "jurisdictions.*.channels", "window.days_off.*",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One key that differs. `was` or `now` is what applies without the key where it is not there; None if nothing does."""

    key: str
    was: Any
    now: Any
    way: Way


def changes(base: Document, other: Document) -> list[Change]:
    """Every key in which `other` differs from `base`, in the file's order; `version` is no rule and left out."""
    was, now = dict(_flat(base)), dict(_flat(other))
    keys = dict.fromkeys([*was, *now, *_of_new_segments(base, other)])
    return [
        Change(key, before, after, _way(key, before, after, was, now))
        for key in keys
        if key != "version"
        and (
            (before := _applied(base, was, key)) != (after := _applied(other, now, key))
            or (key in was) != (key in now)
        )
    ]


def _of_new_segments(base: Document, other: Document) -> Iterator[str]:
    """What `default` says of an action, for a segment that only one of the two has: there it says no longer so."""
    for name in base.segments.keys() ^ other.segments.keys():
        without = base if name in other.segments else other
        for action in without.segments["default"].actions:
            yield f"segments.{name}.actions.{action}"


def _applied(document: Document, flat: Mapping[str, Any], key: str) -> Any:
    """What holds for a key in a document that may not have it: a segment, an action, a ledger has a default."""
    if key in flat:
        return flat[key]
    table, *rest = key.split(".")
    if table == "freshness":
        return flat["freshness.default"]
    if table != "segments":
        return None
    name, field = rest[0], ".".join(rest[1:])
    if name not in document.segments:
        return _applied(document, flat, f"segments.default.{field}")
    return flat[f"segments.{name}.mode"] if field.startswith("actions.") else None


def _flat(document: Document) -> Iterator[tuple[str, Any]]:
    return _leaves("", document.model_dump(mode="json"))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, inner)
    elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        for item in value:  # the steps of a ladder, by their names
            yield from _leaves(f"{path}.{item['step']}", item)
    else:
        yield path, sorted(value) if isinstance(value, list) else value


def _way(key: str, before: Any, after: Any, was: Mapping[str, Any], now: Mapping[str, Any]) -> Way:
    if before == after or _matches(key, _NEITHER):
        return "other"
    row = f"{key.rpartition('.')[0]}.on" if key.startswith("jurisdictions.") else ""
    if row and (row in was) != (row in now):  # a whole row of a place narrows the rest, whatever it holds
        return "stricter" if row in now else "looser"
    if isinstance(before, list) or isinstance(after, list):
        return _way_of_sets(key, set(before or ()), set(after or ()))
    return "looser" if _a_persons(key, was, now) else _way_of_values(key, before, after)


def _way_of_values(key: str, before: Any, after: Any) -> Way:
    if before is None or after is None:
        return _way_of_presence(key, gone=after is None)
    if key == "profile":
        return "looser" if after == "first_party" else "stricter"
    more_is_looser = _matches(key, _MORE_IS_LOOSER)
    if more_is_looser or _matches(key, _MORE_IS_STRICTER):
        return "looser" if (_place(after) > _place(before)) is more_is_looser else "stricter"
    return "looser"


def _a_persons(key: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether it is a step that waits for a person: the later that comes, the longer the messages before it go on."""
    purpose = f"{key.rpartition('.')[0]}.purpose"
    return (
        key.startswith("ladders.") and {was.get(purpose), now.get(purpose)} & {"call_task", "review"} != set()
    )


def _way_of_presence(key: str, *, gone: bool) -> Way:
    """A bound or a day off narrows, a stop that is not listed lets nothing through; the rest may loosen either way."""
    narrows = key.startswith("window.days_off.") or key.endswith(
        (".start", ".end", ".per_week", ".four_eyes_above")
    )
    if narrows:
        return "looser" if gone else "stricter"
    if key.endswith((".past_due_over", ".until")):  # a bound on the row of a place itself
        return "stricter" if gone else "looser"
    return "stricter" if gone and key.startswith("stops.") else "looser"


def _way_of_sets(key: str, was: set[Any], now: set[Any]) -> Way:
    if _matches(key, _ADDING_IS_LOOSER):
        return "stricter" if now < was else "looser"
    if key.endswith(".postal"):  # none means the whole of the region
        return "stricter" if not now or (was and now > was) else "looser"
    if _matches(key, _ADDING_IS_STRICTER):
        return "stricter" if now > was else "looser"
    return "looser"


def _matches(key: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def _place(value: Any) -> Any:
    if isinstance(value, str) and value in _MODES:
        return _MODES.index(value)
    if isinstance(value, str) and value.replace(".", "", 1).isdigit():
        return float(value)  # two limits are only compared here, never computed with
    return value
