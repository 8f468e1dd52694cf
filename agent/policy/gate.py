"""The gate: one action and its facts in, one ruling out; and the only place where a permit is made.

`Gate.rule` is pure. What the registry's rules find is combined here: the strictest wins, and what no row of
policy.md 3 speaks about is refused. What is refused around the rules is listed in agent/policy/guards.py and cannot
be switched off; APPROVED is what the gate says of an approval that was granted.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import agent.policy.rules  # noqa: F401 - importing the rules registers them
from agent.policy.digests import facts_digest, facts_record
from agent.policy.document import Policy, limit
from agent.policy.guards import refusal
from agent.policy.registry import REGISTRY, Case, Rule
from agent.policy.subjects import ApprovalKind, amount_of, kind_of, subject_of
from agent.policy.verdict import (
    ROLES,
    Allow,
    Approver,
    Ask,
    Facts,
    Finding,
    Refuse,
    Role,
    Ruling,
    Suggest,
    Verdict,
    with_article,
)  # fmt: skip
from tools.errors import Invalid, Refused
from tools.spec import Action, Permit, ToolArgs

__all__ = ["Gate", "facts_digest", "facts_record"]

_EARLIEST = datetime.min.replace(tzinfo=UTC)


def permit_for_task(*, decision_id: int, episode_id: str, customer_id: str, digest: str) -> Permit:
    """Leave to put a task on a person's list that goes back to a recorded decision: always given (policy.md 3)."""
    return Permit(decision_id, episode_id, customer_id, digest)


class Gate:
    """Rules on actions under one policy. Tests may switch rules off; production code never does."""

    def __init__(self, policy: Policy, switched_off: Collection[str] = ()) -> None:
        self.policy = policy
        by_subject: dict[type[ToolArgs], list[Rule]] = {}
        for rule in REGISTRY.values():
            for subject in rule.applies if rule.id not in switched_off else ():
                by_subject.setdefault(subject, []).append(rule)
        self._rules = {subject: tuple(rules) for subject, rules in by_subject.items()}

    def rule(self, action: Action, facts: Facts, approver: Approver | None = None) -> Ruling:
        """The ruling on one action. With an approver, what had to be asked is granted if they may grant it; a refusal stays."""
        subject = subject_of(action)
        if isinstance(subject, Finding):
            return Ruling(subject.verdict, (subject,))
        if action.customer_id != facts.account.customer.id:
            wrong = refusal(
                "WRONG-CUSTOMER", "These are not the facts of the customer whom the action is about."
            )
            return Ruling(wrong.verdict, (wrong,))
        case = Case(action, subject, facts, self.policy)
        try:
            findings = self._findings(case)
            if approver is not None:
                amount = self.amount_of(action, facts)
                findings = self._answered(findings, approver, facts, amount)
        except Invalid as unreadable:  # an amount, a limit or a currency that is none: unknown means no
            findings = [refusal("UNREADABLE", str(unreadable))]
        return Ruling(_strictest(findings), tuple(findings))

    def amount_of(self, action: Action, facts: Facts) -> int:
        """What an approval of the action is about, in minor units of the customer's currency; 0 where no money is.

        Raises Invalid where the action or its amount cannot be read.
        """
        subject = subject_of(action)
        if isinstance(subject, Finding):
            raise Invalid(subject.reason)
        return amount_of(Case(action, subject, facts, self.policy))

    def needs_two(self, amount_minor: int, currency: str) -> bool:
        """Whether two different people must approve what is about so much money. Raises Invalid for an odd currency."""
        above = self.policy.document.approval.four_eyes_above
        return above is not None and amount_minor > limit(above, currency)

    def objection(
        self, approver: Approver, *, proposer: str, role: Role, amount_minor: int, currency: str
    ) -> Finding | None:
        """Why this approver may not grant what needs that role and is about so much; None: they may. Raises as `needs_two`."""
        if approver.name == proposer:
            return refusal("APPROVER-SELF", "Nobody approves what they proposed.")
        if ROLES.index(approver.role) < ROLES.index(role):
            return refusal(
                "APPROVER-ROLE", f"It needs {with_article(role)}, not {with_article(approver.role)}."
            )
        if amount_minor > approver.limit_minor:
            return refusal("APPROVER-LIMIT", "It is above the approver's limit.")
        if self.needs_two(amount_minor, currency) and approver.first in (None, approver.name, proposer):
            return refusal("APPROVER-SECOND", "Two different people must approve so much.")
        return None

    def kind_of(self, action: Action) -> ApprovalKind:
        """What kind of approval the action needs, as the approval's row names it."""
        return kind_of(action)

    def permit(self, ruling: Ruling, action: Action, *, decision_id: int, episode_id: str) -> Permit:
        """Leave to make the action true. Raises Refused unless the ruling allows it."""
        if not isinstance(ruling.verdict, Allow):
            reasons = [finding.reason for finding in ruling.findings if finding.verdict == ruling.verdict]
            raise Refused(reasons[0] if reasons else "Policy does not allow it.")
        return Permit(decision_id, episode_id, action.customer_id, action.digest)

    def _findings(self, case: Case[Any]) -> list[Finding]:
        rules = self._rules.get(type(case.subject), ())
        heard = [(rule, finding) for rule in rules if (finding := rule.judge(case)) is not None]
        findings = [finding for _, finding in heard]
        if not any(rule.grants for rule, _ in heard):
            findings.append(refusal("NOBODY-GRANTS", "No row of the policy allows this."))
        return findings

    def _answered(
        self, findings: list[Finding], approver: Approver, facts: Facts, amount: int
    ) -> list[Finding]:
        """The findings with every Ask granted by this approver, or with the reason why they may not grant it."""
        asked = [finding.verdict.role for finding in findings if isinstance(finding.verdict, Ask)]
        if not asked:
            return findings
        role = max(asked, key=ROLES.index)
        currency = facts.account.customer.currency
        objection = self.objection(
            approver, proposer=facts.proposer, role=role, amount_minor=amount, currency=currency
        )
        if objection is not None:
            return [*findings, objection]
        rest = [finding for finding in findings if not isinstance(finding.verdict, Ask)]
        granted = f"Approved by {with_article(approver.role)} for {with_article(role)}'s decision."
        return [*rest, Finding("APPROVED", Allow(), granted)]


def _strictest(findings: list[Finding]) -> Verdict:
    return max((finding.verdict for finding in findings), key=_strictness)


def _strictness(verdict: Verdict) -> tuple[int, int, datetime]:
    """Refuse, then Suggest (nothing happens whoever approves), then Ask by role, then Allow by how late it leaves."""
    match verdict:
        case Refuse():
            return 3, 0, _EARLIEST
        case Suggest():
            return 2, 0, _EARLIEST
        case Ask(role=role):
            return 1, ROLES.index(role), _EARLIEST
        case Allow(not_before=not_before):
            return 0, 0, not_before or _EARLIEST
