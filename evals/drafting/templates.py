"""Every template, drafted for every account in every channel and language, and judged."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from evals.bench.people import COMPANY
from evals.drafting.judge import DEMANDS, Fault, Written, faults, read
from evals.drafting.portfolio import Debtor
from evals.drafting.readability import Reading
from evals.drafting.truth import Bill, Truth
from tools.dunning.draft import Draft
from tools.dunning.errors import Undraftable
from tools.dunning.generate_dunning_message import GenerateDunningMessage, MessageChannel
from tools.dunning.placeholders import PLACEHOLDER
from tools.dunning.render import draft_message
from tools.dunning.templates import LANGUAGES, Language, Template
from tools.ledger.model import Account

_SILENT = ("condolence", "crisis", "hold_ack", "wrong_party_ack", "fraud_ack")
_PAID = 12_345  # minor units that a receipt thanks for
_MOST_LINKS = 2  # of an SMS


@dataclass(frozen=True, slots=True)
class Judged:
    """One message, where it came from and what is wrong with it; `message` None: it could not be written."""

    id: str
    source: Literal["template", "written by the model", "free text"]
    message: Written | None
    faults: Sequence[Fault]
    reading: Reading | None = None


def drafts(template: Template, debtors: Sequence[Debtor], later: Collection[str] = ()) -> Iterator[Judged]:
    """The template for each of them, in its channels and in both languages, as the first message of a conversation.

    For the ids in `later` also as one that comes later in it.
    """
    for debtor in debtors:
        for language in LANGUAGES:
            account = debtor.account(language)
            for channel in template.channels:
                if not _possible(template, debtor, channel):
                    continue
                for first in (True, False) if debtor.id in later else (True,):
                    name = f"{template.name}.{channel}.{language} to {debtor.id}{'' if first else ', later'}"
                    yield _one(name, template, debtor, account, channel, language, first=first)


def _possible(template: Template, debtor: Debtor, channel: MessageChannel) -> bool:
    """Whether the account has what the template is for: where it has not, the product refuses to write it, rightly."""
    if "payment_link" not in template.needs or debtor.links == "one":
        return True
    return debtor.links == "each" and (
        channel == "email" or len(debtor.account("en").invoices) <= _MOST_LINKS
    )


def _one(
    name: str, template: Template, debtor: Debtor, account: Account, channel: MessageChannel, language: Language, *, first: bool
) -> Judged:  # fmt: skip
    offers = {"plan.schedule", "plan.total"} & set(template.needs)
    call = GenerateDunningMessage(
        purpose=template.purpose, channel=channel, invoices=[invoice.id for invoice in account.invoices], tone=template.tone,
        offer="plan" if offers else None, template=template.name, body=None,
    )  # fmt: skip
    company = replace(COMPANY, name=debtor.company)
    try:
        draft = draft_message(
            call, account, company, first_contact=first, reply_contact_id=None, payment_minor=_PAID
        )
        message = _read(draft, template, language, first=first)
    except Undraftable as problem:
        return Judged(name, "template", None, [Fault("says too little", f"it cannot be written: {problem}")])
    truth = truth_of(debtor, account)
    return Judged(name, "template", message, faults(message, truth), read(message, truth))


def _read(draft: Draft, template: Template, language: Language, *, first: bool) -> Written:
    silent = template.name in _SILENT
    return Written(
        channel=draft.channel, language=language, subject=draft.subject or "", body=draft.body, purpose=template.purpose,
        template=template.name, first=first, begun=template.purpose in DEMANDS, silent=silent,
        unnamed=template.name == "wrong_party_ack", tone=template.tone, needs=template.needs,
        # Whatever names a balance asks for it in the end, whether the index says so or not.
        collects=template.collection or template.purpose in DEMANDS or "balance" in template.needs,
        uses=PLACEHOLDER.findall(template.text(draft.channel, language).text),
    )  # fmt: skip


def truth_of(debtor: Debtor, account: Account) -> Truth:
    """What a message to this account may say."""
    minor = [promise.amount_minor for promise in account.promises]
    minor += [part.amount_minor for plan in account.plans for part in plan.instalments] + [_PAID]
    days = [promise.due_date for promise in account.promises]
    days += [part.due_date for plan in account.plans for part in plan.instalments]
    return Truth(
        company=debtor.company, customer=debtor.customer, first_name=debtor.first_name, currency=debtor.currency,
        bills=[
            Bill(i.number, Decimal(i.balance_minor) / 100, Decimal(i.total_minor) / 100, i.due_date, i.payment_url)
            for i in account.invoices
        ],
        amounts=[Decimal(amount) / 100 for amount in minor], days=days,
    )  # fmt: skip
