"""The director: lets a story's acts happen and writes down what everybody was told."""

import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from evals.chaos import cast
from evals.chaos.board import RunClock
from evals.chaos.carriers import provider_id
from evals.chaos.clients import Clients
from evals.chaos.database import Database
from evals.chaos.history import Click, History, Paid, Said
from evals.chaos.story import Act, ClockStep, Misbehave, Pay, Resolve, Review, Say, Unverify
from tools import sql
from tools.channels.base import ChannelName

_SQL = sql.load("evals.chaos")
REVIEWERS = {
    "carla": ("collector", 500_000),
    "mona": ("manager", 10_000_000),
    "milo": ("manager", 10_000_000),
}


@dataclass(slots=True)
class Director:
    """Acts on one run."""

    clients: Clients
    database: Database
    history: History
    clock: RunClock
    providers: Sequence[str]  # their addresses
    customers: Mapping[
        ChannelName, Clients
    ]  # their lines to the providers; none: they write to the server itself

    def act(self, act: Act) -> None:
        """Let it happen. What is asked of the server is answered later, or never."""
        match act:
            case Say():
                self._say(act)
            case Review():
                self._review(act)
            case Pay():
                for row in self.database.rows(_SQL["pay"], customer_id=act.customer_id, now=self.clock.now()):
                    self.history.paid.append(Paid(act.customer_id, row["id"], row["balance_minor"]))
            case Unverify():
                self.database.rows(_SQL["unverify"], customer_id=act.customer_id)
            case ClockStep():
                self.clock.step(act.seconds)
            case Misbehave():
                self._tell_provider(act)
            case Resolve():
                self.resolve()

    def waiting(self) -> list[dict[str, Any]]:
        """The approvals that wait."""
        return self.database.rows(_SQL["pending"])

    def resolve(self) -> bool:
        """A collector says what became of messages that the sender gave up on; False where there are none."""
        given_up = self.database.rows(_SQL["given_up"])
        accepted = self._accepted() if given_up else set()
        for row in given_up:
            unknown = row["state"] == "unknown"
            self.clients.ask(
                partial(self._told_resolver, row["id"]), again=False, do="resolve", outbox=row["id"],
                arrived=unknown and str(row["id"]) in accepted, unknown=unknown, **_user("carla"),
            )  # fmt: skip
        return bool(given_up)

    def _say(self, act: Say) -> None:
        channel: ChannelName = "email" if self.customers and _by_email(act) else "sms"
        sid = provider_id(act.sid, channel) if self.customers and not act.at_once else act.sid
        said = next((one for one in self.history.said if one.sid == sid), None)
        if said is None:
            said = Said(sid, act.customer_id, act.body, act.at_once, first_at=time.time())
            self.history.said.append(said)
        said.deliveries += 1
        clients, do = (
            (self.clients, "hear") if act.at_once else (self.customers.get(channel, self.clients), "accept")
        )
        clients.ask(
            partial(self._told_customer, said), again=True, do=do, sid=sid, customer=act.customer_id,
            address=cast.address(act.customer_id, channel), body=act.body,
        )  # fmt: skip

    def _review(self, act: Review) -> None:
        for waiting in self.waiting():
            for name, word in act.words:
                role, limit = REVIEWERS[name]
                click = Click(waiting["id"], waiting["digest"], word, name, role, limit)
                self.history.clicks.append(click)
                self.clients.ask(
                    partial(self._told_reviewer, click), again=False, do="decide", approval=waiting["id"],
                    digest=waiting["digest"], decision=word, reason="shorter, please" if word == "reject" else "",
                    **_user(name),
                )  # fmt: skip

    def _told_customer(self, said: Said, answer: dict[str, Any]) -> None:
        if "message" in answer:
            said.acknowledged_at = said.acknowledged_at or time.time()
        else:
            self._astonished("message", answer)

    def _told_reviewer(self, click: Click, answer: dict[str, Any]) -> None:
        click.answer = answer.get("state") or answer.get("refused") or answer.get("down")
        click.took_effect = bool(answer.get("took_effect"))
        if click.answer is None:
            self._astonished("click", answer)

    def _told_resolver(self, outbox_id: int, answer: dict[str, Any]) -> None:
        if "defect" in answer:
            self._astonished(f"word on outbox {outbox_id}", answer)

    def _astonished(self, what: str, answer: dict[str, Any]) -> None:
        if "down" not in answer:
            self.history.unexpected.append(f"a {what} was answered {answer}")

    def _accepted(self) -> set[str]:
        """What the provider's own records have: where a person looks."""
        return {
            one["key"] for url in self.providers for one in self._call("GET", f"{url}/accepted")["accepted"]
        }

    def _tell_provider(self, act: Misbehave) -> None:
        for url in self.providers:
            self._call("PUT", f"{url}/faults", json=act.faults)

    def _call(self, method: str, url: str, **given: Any) -> dict[str, Any]:
        """Ask the provider, as soon as it is up."""
        for _ in range(200):
            try:
                answer = httpx.request(method, url, trust_env=False, **given)
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                said: dict[str, Any] = answer.json()
                return said
        raise TimeoutError("the provider's stand-in is not there")


def _by_email(act: Say) -> bool:
    """Every third message, the same ones for the same story; somebody in a hurry texts."""
    return (
        not act.at_once
        and not act.sid.startswith("quick")
        and zlib.crc32(f"{act.sid} {act.body}".encode()) % 3 == 0
    )


def _user(name: str) -> dict[str, Any]:
    role, limit = REVIEWERS[name]
    return {"user": name, "role": role, "limit_minor": limit}
