"""Room: what of a long history goes into a bounded prompt, and how much of it did not.

The prompt is as long as it may be and no longer, whatever the customer's history: the newest message and the open
invoices first, then standing facts, the last exchange, what memory found, and as much of the recent window as is left.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.memory.excerpt import MARK, excerpt, head
from tools.memory.messages import WindowMessage
from tools.memory.search import Hit

Item = dict[str, Any]

# Characters; four make a token in LangChain's rough count.
_NEWEST = 1600  # of the message to be answered: code has read all of it for signals
_LATELY = 400  # of an earlier one in the window
_HIT = 160  # of one that memory found: in so much room, more of them are better than more of each
_FACT = 200
_FOR_TALK = 3000  # are kept free of invoices
_LAST_EXCHANGE = 3  # messages before the newest that come before what memory found


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


@dataclass(slots=True)
class Room:
    """Characters that are still free, and what was put into them; `plain` pseudonymises."""

    free: int
    plain: Callable[[str], str]
    conversation: list[Item] = field(default_factory=list)  # newest first while it is filled
    memory: list[Item] = field(default_factory=list)
    facts: list[Item] = field(default_factory=list)

    def fill(
        self, window: Sequence[WindowMessage], hits: Sequence[Hit], facts: Sequence[Item], asked: str | None
    ) -> None:
        """Put in the conversation (oldest first in the end), what memory found for `asked`, and facts, as far as they fit."""
        earlier = list(window)
        if earlier:
            limit = min(_NEWEST, max(_LATELY, self.free // 2))
            self._add(self.conversation, self._spoken(earlier.pop(), limit))
        for fact in facts:
            item = {**fact, "fact": head(self.plain(fact["fact"]), _FACT)}
            if not self._fits(self.facts, item, most=self.free // 3):
                break
        while earlier and len(self.conversation) <= _LAST_EXCHANGE:
            if not self._fits(self.conversation, self._spoken(earlier[-1], _LATELY), most=self.free * 2 // 3):
                break
            earlier.pop()
        rest = self._remember(list(hits), asked or "", most=self.free * 5 // 6)
        self._grow(earlier)
        self._remember(rest, asked or "", most=self.free)
        self.conversation.reverse()

    @property
    def shortened(self) -> int:
        """How many texts were cut."""
        texts = [item["text"] for item in (*self.conversation, *self.memory)]
        return sum(MARK in (text[-len(MARK) :], " " + text[: len(MARK) - 1]) for text in texts)

    def _add(self, items: list[Item], item: Item) -> None:
        self.free -= length(item) + 1
        items.append(item)

    def _fits(self, items: list[Item], item: Item, *, most: int) -> bool:
        """Add `item` if it takes no more than `most` characters. False: it would."""
        if length(item) + 1 > most:
            return False
        self._add(items, item)
        return True

    def _remember(self, hits: list[Hit], asked: str, *, most: int) -> list[Hit]:
        """Add hits that are not in the conversation until one does not fit into `most` together: that and the rest."""
        keep = self.free - most
        there = {item["id"] for item in self.conversation}
        while hits:
            hit = hits[0]
            if hit.id not in there:
                item = {
                    "id": hit.id, "at": hit.at.date().isoformat(), "direction": hit.direction,
                    "text": excerpt(self.plain(hit.body), asked, _HIT),
                }  # fmt: skip
                if not self._fits(self.memory, item, most=self.free - keep):
                    break
            hits.pop(0)
        return hits

    def _grow(self, earlier: list[WindowMessage]) -> None:
        """Backwards from the last exchange, without a gap; what memory had found moves into its place."""
        while earlier:
            message = earlier.pop()
            twin = next((item for item in self.memory if item["id"] == message.id), None)
            back = length(twin) + 1 if twin else 0
            if not self._fits(self.conversation, self._spoken(message, _LATELY), most=self.free + back):
                return
            if twin:
                self.memory.remove(twin)
                self.free += back

    def _spoken(self, m: WindowMessage, limit: int) -> Item:
        return {
            "id": m.id, "at": m.at.isoformat(timespec="minutes"), "direction": m.direction, "channel": m.channel,
            "purpose": m.purpose, **({"template": m.template} if m.template else {}),
            "text": head(self.plain(m.body), limit),
        }  # fmt: skip
