"""The gate: one action and its facts in, one ruling out; and the only place where a permit is made.

`Gate.rule` is pure. What the registry's rules find is combined here: the strictest wins, and what no row of
policy.md 3 speaks about is refused. Findings with these ids are the gate's own and cannot be switched off:
UNKNOWN-TOOL, BAD-ARGUMENTS, WRONG-CUSTOMER, UNREADABLE, NOBODY-GRANTS, and for a decided approval APPROVED,
APPROVER-ROLE, APPROVER-LIMIT and APPROVER-SELF.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import agent.policy.rules  # noqa: F401 - importing the rules registers them
from agent.policy.digests import facts_digest, facts_record
from agent.policy.document import Policy
from agent.policy.registry import REGISTRY, Case, Rule
from agent.policy.subjects import ApprovalKind, amount_of, kind_of, refusal, subject_of
from agent.policy.verdict import ROLES, Allow, Approver, Ask, Facts, Finding, Refuse, Ruling, Suggest, Verdict
from tools.errors import Invalid, Refused
from tools.spec import Action, Permit, ToolArgs

__all__ = ["Gate", "facts_digest", "facts_record"]

_EARLIEST = datetime.min.replace(tzinfo=UTC)


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
                findings = _answered(findings, approver, facts.proposer, self.amount_of(action, facts))
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


def _answered(findings: list[Finding], approver: Approver, proposer: str, amount: int) -> list[Finding]:
    """The findings with every Ask granted by this approver, or with the reason why they may not grant it."""
    asked = [finding.verdict.role for finding in findings if isinstance(finding.verdict, Ask)]
    if not asked:
        return findings
    role = max(asked, key=ROLES.index)
    if approver.name == proposer:
        refusing = refusal("APPROVER-SELF", "Nobody approves what they proposed.")
    elif ROLES.index(approver.role) < ROLES.index(role):
        refusing = refusal("APPROVER-ROLE", f"It needs a {role}, not a {approver.role}.")
    elif amount > approver.limit_minor:
        refusing = refusal("APPROVER-LIMIT", "It is above the approver's limit.")
    else:
        rest = [finding for finding in findings if not isinstance(finding.verdict, Ask)]
        return [
            *rest,
            Finding("APPROVED", Allow(), f"Approved by a {approver.role} for a {role}'s decision."),
        ]
    return [*findings, refusing]


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
