"""Records and tasks: what is always written down, and what binds us and so needs a person (policy.md 3)."""

from agent.policy.registry import Case, Says, allow, ask, refuse, rule
from tools.activity.log_collection_activity import (
    ConcessionRequestRecord,
    ContactChangeRecord,
    CreditHoldRecommendationRecord,
    DeceasedRecord,
    DisputeRecord,
    EscalationRecord,
    FraudClaimRecord,
    HardshipRecord,
    NoteRecord,
    OptOutRecord,
    PaymentClaimRecord,
    PlanRequestRecord,
    PreferenceRecord,
    PromiseRecord,
    RepresentationRecord,
    WrongPartyRecord,
)
from tools.money import Money
from tools.risk.read_customer_risk import ReadCustomerRisk
from tools.spec import ToolArgs

# What the customer stated: recorded in every mode, since it can only add to what we know or stop.
STATED: tuple[type[ToolArgs], ...] = (
    DisputeRecord, PaymentClaimRecord, OptOutRecord, HardshipRecord, RepresentationRecord, DeceasedRecord,
    FraudClaimRecord, WrongPartyRecord, PreferenceRecord, NoteRecord,
)  # fmt: skip


@rule("ROW-LOOK", source="architecture.md 2", applies=ReadCustomerRisk, grants=True)
def look(_case: Case[ReadCustomerRisk]) -> Says:
    """Looking changes nothing and is always allowed."""
    return allow("Looking changes nothing.")


@rule("ROW-STATED-FACT", source="policy.md 3", applies=STATED, grants=True)
def stated(_case: Case[ToolArgs]) -> Says:
    """What the customer stated is recorded, always and in every mode."""
    return allow("What the customer stated is recorded.")


@rule("ROW-ESCALATION", source="policy.md 3", applies=EscalationRecord, grants=True)
def escalation(_case: Case[EscalationRecord]) -> Says:
    """Handing over to a person is always allowed."""
    return allow("A person is always told.")


@rule("ROW-CONCESSION", source="policy.md 3", applies=ConcessionRequestRecord, grants=True)
def concession(_case: Case[ConcessionRequestRecord]) -> Says:
    """A discount, settlement, waiver, credit, refund or write-off needs a manager."""
    return ask("manager", "A concession needs a manager.")


@rule("ROW-CREDIT-HOLD", source="policy.md 3", applies=CreditHoldRecommendationRecord, grants=True)
def credit_hold(_case: Case[CreditHoldRecommendationRecord]) -> Says:
    """A credit hold is recommended to a manager, never placed."""
    return ask("manager", "A credit hold needs a manager.")


@rule("ROW-CONTACT-CHANGE", source="policy.md 3", applies=ContactChangeRecord, grants=True)
def contact_change(_case: Case[ContactChangeRecord]) -> Says:
    """A new contact point, payee or remittance detail is verified by a collector, out of band, first."""
    return ask("collector", "A collector verifies it out of band first.")


@rule(
    "RECORD-INVOICES",
    source="style.md 5.6",
    applies=(PromiseRecord, PlanRequestRecord, DisputeRecord, PaymentClaimRecord),
)
def invoices(case: Case[ToolArgs]) -> Says:
    """A record names open invoices of this account, or none."""
    named: list[str] = getattr(case.subject, "invoices", [])
    unknown = set(named) - {invoice.id for invoice in case.account.invoices}
    return (
        refuse("It names an invoice that is not open on this account; leave the list empty if unsure.")
        if unknown
        else None
    )


@rule("RECORD-AMOUNT", source="policy.md 1", applies=DisputeRecord)
def amount(case: Case[DisputeRecord]) -> Says:
    """A disputed amount is an amount of the account's currency, and more than nothing."""
    if case.subject.amount is None or Money.of(case.subject.amount, case.account.customer.currency).minor > 0:
        return None
    return refuse("The disputed amount is nothing: leave it out if the customer named none.")
