"""The faults that are seeded: each a small break of the product, what it imitates, and who has to notice it."""

from dataclasses import dataclass

from evals.scenarios.minds import offline
from tests.evals.suites import breaks
from tests.evals.suites.breaks import Break
from tests.evals.suites.eyes import NOTHING, Eye, answers, approvals, recall, scenarios, templates

_WAY_OUT = "messages/parts/opt_out.sms.en.md"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: rules that are switched off, or a patch of the product's code; what it imitates; who has to notice."""

    name: str
    imitates: str
    noticed_by: Eye
    without: frozenset[str] = NOTHING
    breaks: Break = lambda _patch: None


def _off(rule: str, imitates: str, noticed_by: Eye) -> Fault:
    return Fault(f"{rule} is off", imitates, noticed_by, without=frozenset({rule}))


def _asks_nobody(rule: str, imitates: str, noticed_by: Eye) -> Fault:
    return Fault(f"{rule} asks nobody", imitates, noticed_by, breaks=breaks.asks_nobody(rule))


FAULTS = (
    _off(
        "TIME-WINDOW",
        "a reminder leaves before dawn",
        scenarios("outreach-quiet-hours-phoenix-dawn"),
    ),
    _off(
        "TIME-BUDGET",
        "two reminders on one day",
        scenarios("outreach-reminded-that-morning-already"),
    ),
    _off(
        "STOP-PROMISE",
        "who promised is reminded before the day",
        scenarios("promise-then-ladder-step-too-early", mind=offline),
    ),
    _off(
        "STOP-PLAN",
        "who pays by a plan is reminded",
        scenarios("approvals-plan-offered-then-agreed", mind=offline),
    ),
    _off(
        "STOP-HOLD",
        "an account that is held is written to",
        scenarios("bankruptcy-restaurant-notice-then-receipt-wanted", mind=offline),
    ),
    _off(
        "STOP-DISPUTE",
        "the rest of a disputed account is asked for unseen",
        scenarios("outreach-one-of-two-contested-in-the-books"),
    ),
    _off(
        "ROW-TIER",
        "a risky customer is reminded unseen",
        scenarios("approvals-high-tier-first-reminder"),
    ),
    _off(
        "ROW-BALANCE",
        "a large sum is asked for unseen",
        scenarios("approvals-second-reminder-paid-before-the-click"),
    ),
    _off(
        "MODE-OBSERVE",
        "whoever is only watched gets a message",
        scenarios("dispute-observe-mode-only-noted", mind=offline),
    ),
    _off(
        "MODE-DRAFT-MESSAGE",
        "drafts leave unseen",
        scenarios("approvals-draft-mode-answer-waits"),
    ),
    _off(
        "MODE-DRAFT-RECORD",
        "a promise binds us unseen",
        scenarios("approvals-draft-mode-promise-waits"),
    ),
    _asks_nobody(
        "ROW-PLAN",
        "the agent grants a plan",
        scenarios("approvals-plan-offered-then-agreed"),
    ),
    _asks_nobody(
        "ROW-CONCESSION",
        "the agent grants a discount",
        scenarios("approvals-discount-refused-pays-in-full"),
    ),
    _asks_nobody(
        "ROW-CONTACT-CHANGE",
        "the agent believes a new address",
        scenarios("ap-redirect-then-payables-names-date"),
    ),
    Fault(
        "dates are a day late",
        "an error by one in date arithmetic",
        scenarios("promise-ach-batch-thursday", "outreach-promise-broken-reminds-after", mind=offline),
        breaks=breaks.a_day_late,
    ),
    Fault(
        "signals are not noticed",
        "a message that nobody reads before the model",
        scenarios(
            "self-harm-pills-on-the-counter-night", "deceased-widow-wants-to-send-a-check", mind=offline
        ),
        breaks=breaks.deaf,
    ),
    Fault(
        "holds are not placed",
        "a write that is lost",
        scenarios("dispute-quote-said-less"),
        breaks=breaks.no_hold,
    ),
    Fault(
        "opt-outs are not recorded",
        "a write that is lost",
        scenarios("opt-out-no-texts-no-emails-no-nothing"),
        breaks=breaks.no_opt_out,
    ),
    Fault(
        "approvals are not looked at again",
        "what was approved is done, whatever has happened since",
        approvals("concession-charged", "plan-charged"),
        breaks=breaks.stale_facts_pass,
    ),
    Fault(
        "departures are not looked at again",
        "what was paid at dawn is asked for in the morning",
        scenarios("outreach-put-off-for-the-night-paid-at-dawn"),
        breaks=breaks.sends_unseen,
    ),
    Fault(
        "everybody is a low risk",
        "a score that is not read",
        scenarios("approvals-high-tier-first-reminder"),
        breaks=breaks.everybody_is_low,
    ),
    Fault(
        "half of a promise is recorded",
        "a wrong amount in the books",
        scenarios("promise-ach-batch-thursday"),
        breaks=breaks.half_a_promise,
    ),
    Fault(
        "the balance bears interest",
        "a wrong sum that every check of ours believes",
        scenarios("balance-asked-under-a-promise"),
        breaks=breaks.interest,
    ),
    Fault(
        "amounts are written tenfold",
        "a decimal point that moved",
        scenarios("outreach-reminded-that-morning-already"),
        breaks=breaks.tenfold,
    ),
    Fault(
        "messages go to another contact point",
        "the first address that comes along",
        scenarios("outreach-quiet-hours-phoenix-dawn"),
        breaks=breaks.another_contact,
    ),
    Fault(
        "approvals never lapse",
        "a watch that stands still",
        scenarios("approvals-nobody-decides-in-two-days"),
        breaks=breaks.never_lapses,
    ),
    Fault(
        "a placeholder is misspelt",
        "an edit of a template",
        templates("reminder_1"),
        breaks=breaks.rewritten("messages/reminder_1.sms.en.md", "{{balance}}", "{{blance}}"),
    ),
    Fault(
        "a template names a figure",
        "an edit of a template",
        templates("reminder_1"),
        breaks=breaks.rewritten(
            "messages/reminder_1.email.en.md", "If your payment", "A fee of $40.00 is due. If your payment"
        ),
    ),
    Fault(
        "a template has no way out",
        "an edit of a template",
        templates("reminder_1"),
        breaks=breaks.rewritten(_WAY_OUT, "Reply STOP to opt out.", "Have a good day."),
    ),
    Fault(
        "a message without a way out leaves",
        "the same edit, and the rule for it is off",
        scenarios("outreach-quiet-hours-phoenix-dawn"),
        without=frozenset({"MSG-WAY-OUT"}),
        breaks=breaks.rewritten(_WAY_OUT, "Reply STOP to opt out.", "Have a good day."),
    ),
    Fault(
        "everybody is answered in English",
        "a language that is not read",
        answers("balance sms es one invoice", mind=offline),
        breaks=breaks.english_only,
    ),
    Fault("memory finds nothing", "a search that is broken", recall, breaks=breaks.forgets),
)
