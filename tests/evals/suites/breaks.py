"""How the product is broken: each a small patch of its code, for one test."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from importlib import import_module
from typing import Any

import pytest

from agent.approvals import decide
from agent.cycle import sweep
from agent.engine import commit, effects, gather
from agent.engine.run import Engine
from agent.models.offline import dates
from agent.nodes import judge
from agent.policy import registry
from agent.policy.registry import allow
from prompts import Prompt
from prompts import load as load_prompt
from server import inbound
from server.sender import claim
from tools import money
from tools.activity import record
from tools.arrangements.promises import add_promises
from tools.dunning import render, sources
from tools.dunning import templates as reviewed
from tools.dunning.draft import Draft
from tools.ledger.model import Account, Contact
from tools.money import Money
from tools.outbox.queue import enqueue
from tools.risk.score import read_risk
from tools.spec import Action

Break = Callable[[pytest.MonkeyPatch], None]


def asks_nobody(rule: str) -> Break:
    """The row grants what it should put before a person."""

    def breaks(patch: pytest.MonkeyPatch) -> None:
        granting = replace(registry.REGISTRY[rule], says=lambda _case: allow("Nobody looks."))
        patch.setitem(registry._rules, rule, granting)

    return breaks


async def _nothing(*_args: Any, **_given: Any) -> list[int]:
    return []


def a_day_late(patch: pytest.MonkeyPatch) -> None:
    told = dates.told_dates

    def late(text: str, today: date) -> list[dates.FoundDate]:
        return [replace(one, on=one.on and one.on + timedelta(days=1)) for one in told(text, today)]

    patch.setattr(dates, "told_dates", late)


def deaf(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(import_module("agent.signals.detect"), "sentences", lambda _words: [])


def no_hold(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(record, "place_hold", _nothing)


def no_opt_out(patch: pytest.MonkeyPatch) -> None:
    for module in (inbound, record):
        patch.setattr(module, "stop", _nothing)


def stale_facts_pass(patch: pytest.MonkeyPatch) -> None:
    for module in (commit, decide, judge):
        patch.setattr(module, "facts_digest", lambda *_: "0" * 32)


def sends_unseen(patch: pytest.MonkeyPatch) -> None:
    """What was queued leaves as it was written, whatever has happened since."""
    written: dict[str, Draft] = {}

    async def kept(conn: Any, permit: Any, action: Action, draft: Draft, **given: Any) -> Any:
        written[action.digest] = draft
        return await enqueue(conn, permit, action, draft, **given)

    async def leaves(engine: Engine, row: Any, trigger: Any, asked: Any, _now: Any, found: Any) -> None:
        facts = await gather.told_facts(engine.deps, trigger, asked)
        action = Action(row.customer_id, row.action["tool"], row.action["args"], facts.account.customer.salt)
        draft = written[action.digest]
        found.leaving.append((row, draft, facts.account.contacts[0].address))

    patch.setattr(effects, "enqueue", kept)
    patch.setattr(claim, "_judge", leaves)


def everybody_is_low(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gather, "read_risk", lambda account: replace(read_risk(account), tier="low"))


def half_a_promise(patch: pytest.MonkeyPatch) -> None:
    async def halved(*args: Any, payments: Sequence[tuple[Money, date]], **given: Any) -> None:
        half = [(Money(amount.minor // 2, amount.currency), on) for amount, on in payments]
        await add_promises(*args, payments=half, **given)

    patch.setattr(record, "add_promises", halved)


def interest(patch: pytest.MonkeyPatch) -> None:
    owed = vars(sources.Sources)["balance"].fget

    def more(self: sources.Sources) -> Money | None:
        exact: Money | None = owed(self)
        return exact and Money(exact.minor * 101 // 100, exact.currency)

    patch.setattr(sources.Sources, "balance", property(more))


def tenfold(patch: pytest.MonkeyPatch) -> None:
    written = money._written
    patch.setattr(
        money,
        "_written",
        lambda amount, language: written(replace(amount, minor=amount.minor * 10), language),
    )


def another_contact(patch: pytest.MonkeyPatch) -> None:
    def other(account: Account, channel: str, _asked: object) -> Contact:
        return next(contact for contact in account.contacts if contact.channel != channel)

    patch.setattr(render, "choose_contact", other)


def english_only(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(render, "reviewed_language", lambda _wanted: ("en", True))


def forgets(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any, **__: Any) -> list[Any]:
        return []

    patch.setattr(gather, "search", nothing)


def never_lapses(patch: pytest.MonkeyPatch) -> None:
    async def nothing(_engine: Engine) -> int:
        return 0

    patch.setattr(sweep, "expire_approvals", nothing)


def rewritten(path: str, old: str, new: str) -> Break:
    """The text of that template with the first words replaced by the second."""

    def breaks(patch: pytest.MonkeyPatch) -> None:
        broken = load_prompt(path).text.replace(old, new)
        assert broken != load_prompt(path).text

        def load(at: str) -> Prompt:
            return Prompt(broken, "changed") if at == path else load_prompt(at)

        patch.setattr(reviewed, "load", load)

    return breaks
