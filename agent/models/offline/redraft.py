"""A collector rejected a draft, or asks for one: another proposal that takes the note into account."""

from agent.models.offline.document import Document
from agent.models.offline.outreach import reminder_for
from agent.models.offline.proposal import SPEAK, Proposal, escalate, follow_up, message
from agent.signals import phrases
from agent.signals.reading import sentences
from agent.signals.record import mentioned

_LIGHTER = {"formal_notice": "reminder_2", "reminder_2": "reminder_1"}
_FIRMER = {"reminder_1": "reminder_2", "early_notice": "reminder_1"}


def redraft(document: Document) -> list[Proposal]:
    """What the note asks for: another tone, template, channel or day. Where it asks for none of these: a person."""
    rejected = document.task.rejected
    wishes = _wishes(document.task.note or "")
    if rejected is None or rejected.tool != SPEAK or "drop" in wishes:
        return [escalate(document, "other")]
    if "call" in wishes:
        return [follow_up("call_task", "A collector prefers to call instead of writing.")]
    before = rejected.args
    template, tone = str(before.get("template") or reminder_for(document)), before.get("tone")
    if "lighter" in wishes:
        template, tone = _LIGHTER.get(template, template), "friendly"
    elif "firmer" in wishes:
        template, tone = _FIRMER.get(template, template), "direct"
    channel = "email" if "email" in wishes else "sms" if "sms" in wishes else before.get("channel")
    kept = [str(one) for one in before.get("invoices") or [] if one not in _excluded(document, wishes)]
    again = message(
        document, template, kept, channel=str(channel), tone=_tone(tone), offer=before.get("offer")
    )
    unchanged = again is not None and dict(again.args) == dict(before)
    if again is None or unchanged or (before.get("invoices") and not kept):
        return [escalate(document, "other")]
    return [again]


def request(document: Document) -> list[Proposal]:
    """What a collector asks for in a note; not understood, it goes back to a person."""
    wishes = _wishes(document.task.note or "")
    if "call" in wishes:
        return [follow_up("call_task", "A collector asked for a call.")]
    bills = document.collectible()
    excluded = _excluded(document, wishes)
    channel = "email" if "email" in wishes else "sms" if "sms" in wishes else None
    for wish, template in _REQUESTS:
        if wish in wishes:
            name = template or reminder_for(document)
            about = [
                b.id
                for b in bills
                if b.id not in excluded and (name != "payment_link_reply" or b.payment_link)
            ]
            plan = next(
                (p.id for p in reversed(document.account.plans) if p.state in ("approved", "offered")), None
            )
            if name == "plan_offer" and plan is None:
                break
            sent = message(
                document, name, about, channel=channel, offer=plan if name == "plan_offer" else None
            )
            return [sent] if sent and (about or name == "receipt") else [escalate(document)]
    return [escalate(document)]


_REQUESTS = (
    ("formal", "formal_notice"),
    ("plan", "plan_offer"),
    ("receipt", "receipt"),
    ("link", "payment_link_reply"),
    ("copy", "invoice_copy_reply"),
    ("balance", "balance_reply"),
    ("reminder", None),
)


def _wishes(note: str) -> dict[str, str]:
    """What a collector's note asks for, each with the sentence that says so."""
    lexicon = phrases.load("agent.models.offline", "notes.toml")
    found: dict[str, str] = {}
    for sentence in sentences(note):
        for rule in lexicon.rules:
            if rule.name not in found and rule.find(sentence.plain):
                found[rule.name] = sentence.text
    return found


def _excluded(document: Document, wishes: dict[str, str]) -> list[str]:
    numbers = {bill.id: bill.number for bill in document.account.invoices}
    return mentioned(wishes["without"], numbers) if "without" in wishes else []


def _tone(tone: object) -> str | None:
    return tone if isinstance(tone, str) and tone in ("service", "friendly", "direct", "formal") else None
