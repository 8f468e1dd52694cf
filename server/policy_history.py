"""The policy and its history: recorded decisions explained, judged again, and judged as a changed policy would have."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from psycopg.rows import class_row, scalar_row
from pydantic import ValidationError

from agent.policy.document import Policy, parse_policy
from agent.policy.explain import explain
from agent.policy.gate import Gate
from agent.policy.registry import REGISTRY
from agent.policy.replay import Recorded, agrees, facts_of, judged_again, verdict_of
from server.db import Pool
from tools import sql
from tools.errors import Misconfigured, NotFound

_SQL = sql.load("server")
_PAGE = 500  # decisions in memory at once: a history may hold millions
_EXAMPLES = 50


class _Gates:
    """One gate for each recorded policy version, built when it is first met; None where its text is no policy."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._gates: dict[str, Gate | None] = {}

    async def of(self, version: str) -> Gate | None:
        if version not in self._gates:
            async with self._pool.connection() as conn, conn.cursor(row_factory=scalar_row) as cursor:
                await cursor.execute(_SQL["recorded_policy"], {"version": version})
                body = await cursor.fetchone()
            try:
                self._gates[version] = Gate(parse_policy(body or "", f"of version {version}"))
            except Misconfigured:
                self._gates[version] = None
        return self._gates[version]


async def replayed(pool: Pool, decision_id: int | None = None) -> dict[str, Any]:
    """One decision, or all, judged again on their recorded facts under their recorded policy. Raises NotFound.

    `equal` came out the same, `different` did not (up to 50 are listed), and `unknown` cannot be judged again: the
    customer was erased, or the policy of that day cannot be read.
    """
    gates, counted, differing = _Gates(pool), Counter[str](), list[dict[str, Any]]()
    async for recorded in _history(pool, decision_id=decision_id):
        gate = await gates.of(recorded.policy_version)
        try:
            ruling = judged_again(gate, recorded) if gate else None
        except ValidationError:
            ruling = None
        if ruling is None:
            counted["unknown"] += 1
        elif agrees(ruling, recorded):
            counted["equal"] += 1
        else:
            counted["different"] += 1
            differing.append(_differing(recorded, *verdict_of(ruling), [f.rule for f in ruling.findings]))
    if decision_id is not None and not counted:
        raise NotFound("decision", str(decision_id))
    return {
        "decisions": counted.total(), "equal": counted["equal"], "different": counted["different"],
        "unknown": counted["unknown"], "differing": differing[:_EXAMPLES],
    }  # fmt: skip


async def what_if(pool: Pool, policy: Policy, since: datetime | None = None) -> dict[str, Any]:
    """What `policy` would have decided on the recorded decisions since then: counts by (verdict before, verdict after).

    Only the verdict on what was proposed: what the agent would have proposed under another policy nobody knows.
    """
    gate, counted, moved = Gate(policy), Counter[tuple[str, str]](), list[dict[str, Any]]()
    total = unknown = changed = 0
    async for recorded in _history(pool, since=since):
        total += 1
        try:
            ruling = judged_again(gate, recorded)
        except ValidationError:
            ruling = None
        if ruling is None:
            unknown += 1
            continue
        verdict, role = verdict_of(ruling)
        if (verdict, role) == (recorded.verdict, recorded.role):
            continue
        changed += 1
        counted[_named(recorded.verdict, recorded.role), _named(verdict, role)] += 1
        if len(moved) < _EXAMPLES:
            decisive = [f.rule for f in ruling.findings if f.verdict == ruling.verdict]
            moved.append(_differing(recorded, verdict, role, decisive))
    return {
        "policy": policy.version, "decisions": total, "same": total - changed - unknown, "changed": changed,
        "unknown": unknown,
        "changes": [{"was": was, "now": now, "decisions": n} for (was, now), n in counted.most_common()],
        "examples": moved,
    }  # fmt: skip


async def explained(pool: Pool, what: str, latest: int = 3) -> dict[str, Any]:
    """Why verdicts fell: those of one decision (`12` or `#12`), or the latest of a customer. Raises NotFound."""
    gates = _Gates(pool)
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(Recorded)) as cursor:
        await cursor.execute(_SQL["latest_decisions"], {"customer_id": what, "limit": latest})
        found = await cursor.fetchall()
    number = what.removeprefix("#")
    if not found and number.isascii() and number.isdigit() and len(number) < 19:
        found = [recorded async for recorded in _history(pool, decision_id=int(number))]
    if not found:
        raise NotFound("decision or customer with decisions", what)
    return {
        "decisions": [_explained(recorded, await gates.of(recorded.policy_version)) for recorded in found]
    }


def _explained(recorded: Recorded, gate: Gate | None) -> dict[str, Any]:
    """The recorded findings, and beside each its source and the facts that its rule looks at."""
    action = recorded.action()
    parts = explain(action, facts_of(recorded.facts), gate.policy) if action and gate else []
    looked: Mapping[str, Any] = {part.rule: asdict(part) for part in parts}
    findings = []
    for reason in recorded.reasons:
        rule = REGISTRY.get(reason["rule"])
        findings.append(
            {
                **reason,
                "source": rule.source if rule else "the gate",
                "promise": rule.promise if rule else None,
                "decides": reason["says"] == recorded.verdict,
                "looked_at": looked.get(reason["rule"], {}).get("looked_at"),
            }
        )
    return {
        "decision": recorded.id, "customer_id": recorded.customer_id, "at": recorded.at, "tool": recorded.tool,
        "args": recorded.args, "verdict": recorded.verdict, "role": recorded.role,
        "policy_version": recorded.policy_version, "findings": findings,
    }  # fmt: skip


async def _history(
    pool: Pool, *, decision_id: int | None = None, since: datetime | None = None
) -> AsyncIterator[Recorded]:
    after = 0
    while True:
        given = {"after": after, "decision_id": decision_id, "since": since, "limit": _PAGE}
        async with pool.connection() as conn, conn.cursor(row_factory=class_row(Recorded)) as cursor:
            await cursor.execute(_SQL["recorded_decisions"], given)
            page = await cursor.fetchall()
        for recorded in page:
            yield recorded
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _named(verdict: str, role: str | None) -> str:
    return f"{verdict} ({role})" if role else verdict


def _differing(recorded: Recorded, verdict: str, role: str | None, rules: list[str]) -> dict[str, Any]:
    return {
        "decision": recorded.id, "customer_id": recorded.customer_id, "tool": recorded.tool, "at": recorded.at,
        "was": _named(recorded.verdict, recorded.role), "now": _named(verdict, role), "rules": rules,
    }  # fmt: skip
