"""Room: what of a long history goes into a bounded prompt, and how much of it did not.

The prompt is as long as it may be and no longer, whatever the customer's history: the newest message and the open
invoices first, then standing facts, the last exchange, what memory found, and as much of the recent window as is left.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.memory.excerpt import excerpt, head
from tools.memory.messages import WindowMessage
from tools.memory.search import Hit

Item = dict[str, Any]

# Characters; four make a token in LangChain's rough count.
_NEWEST = 2400  # of the message to be answered: code has read all of it for signals
_LATELY = 500  # of an earlier one in the window
_HIT = 280  # of one that memory found
_FACT = 200
_FOR_TALK = 2600  # is kept free of invoices
_LAST_EXCHANGE = 3  # messages before the newest that are always there


@dataclass(slots=True)
class Room:
    """Characters that are still free, and what was put into them."""

    free: int
    shortened: int = 0
    conversation: list[Item] = field(default_factory=list)
    memory: list[Item] = field(default_factory=list)
    facts: list[Item] = field(default_factory=list)

    def take(self, items: list[Item], item: Item, *, most: int | None = None) -> bool:
        """Put `item` into `items` if it fits into what is free, or into `most` of it. False: it does not."""
        size = length(item) + 1
        if size > (self.free if most is None else min(self.free, most)):
            return False
        self.free -= size
        items.append(item)
        return True


def length(value: object) -> int:
    """Characters of `value` as it stands in the prompt."""
    return len(as_text(value))


def as_text(value: object) -> str:
    """The prompt's JSON: nothing escaped that need not be, no spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def fit_invoices(full: Sequence[Item], short: Sequence[Item], free: int) -> list[Item]:
    """As many invoices as fit beside a conversation: in full if all do, else in short, from the front."""
    allowed = max(0, free - _FOR_TALK)
    if sum(length(row) + 1 for row in full) <= allowed:
        return list(full)
    kept: list[Item] = []
    for row in short:
        allowed -= length(row) + 1
        if allowed < 0:
            break
        kept.append(row)
    return kept


def fit_talk(
    room: Room,
    *,
    window: Sequence[WindowMessage],
    hits: Sequence[Hit],
    facts: Sequence[Item],
    asked: str | None,
    plain: Callable[[str], str],
) -> Room:
    """Fill `room` with the conversation, hits and facts; `plain` pseudonymises, `asked` is what memory was asked."""
    newest, earlier = list(window[-1:]), list(window[:-1])
    for message in newest:
        room.take(room.conversation, _spoken(room, message, plain, _NEWEST))
    for fact in facts:
        if not room.take(
            room.facts, {**fact, "fact": _cut(room, plain(fact["fact"]), _FACT)}, most=room.free // 3
        ):
            break
    while earlier and len(room.conversation) <= _LAST_EXCHANGE:
        if not room.take(room.conversation, _spoken(room, earlier[-1], plain, _LATELY)):
            break
        earlier.pop()
    there = {item["id"] for item in room.conversation}
    found = [_remembered(room, hit, plain, asked or "") for hit in hits if hit.id not in there]
    for_hits = room.free * 2 // 3
    before = room.free
    while found and room.take(room.memory, found[0], most=for_hits - (before - room.free)):
        found.pop(0)
    _grow_window(room, earlier, plain)
    there = {item["id"] for item in room.conversation}
    for item in found:
        if item["id"] not in there and not room.take(room.memory, item):
            break
    room.conversation.reverse()
    return room


def _grow_window(room: Room, earlier: list[WindowMessage], plain: Callable[[str], str]) -> None:
    """Backwards from the last exchange, without a gap; what memory had found moves into its place."""
    while earlier:
        message = earlier.pop()
        twin = next((item for item in room.memory if item["id"] == message.id), None)
        if twin is not None:
            room.free += length(twin) + 1
        if not room.take(room.conversation, _spoken(room, message, plain, _LATELY)):
            if twin is not None:
                room.free -= length(twin) + 1
            return
        if twin is not None:
            room.memory.remove(twin)


def _cut(room: Room, text: str, limit: int) -> str:
    room.shortened += len(text) > limit
    return head(text, limit)


def _spoken(room: Room, m: WindowMessage, plain: Callable[[str], str], limit: int) -> Item:
    return {
        "id": m.id, "at": m.at.isoformat(timespec="minutes"), "direction": m.direction, "channel": m.channel,
        "purpose": m.purpose, "text": _cut(room, plain(m.body), limit),
    }  # fmt: skip


def _remembered(room: Room, hit: Hit, plain: Callable[[str], str], asked: str) -> Item:
    text = plain(hit.body)
    room.shortened += len(text) > _HIT
    return {
        "id": hit.id, "at": hit.at.date().isoformat(), "direction": hit.direction, "channel": hit.channel,
        "text": excerpt(text, asked, _HIT),
    }  # fmt: skip
