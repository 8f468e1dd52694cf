"""From a call of `generate_dunning_message` to the message as it would be sent. Pure: the same account, the same text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tools.company import Company
from tools.dunning.draft import Draft
from tools.dunning.errors import Undraftable
from tools.dunning.generate_dunning_message import GenerateDunningMessage, Purpose
from tools.dunning.layout import fill_body, lay_out, split_subject
from tools.dunning.placeholders import ABOUT_INVOICES, names_in
from tools.dunning.preview import telling
from tools.dunning.recipient import choose_contact
from tools.dunning.segments import segments, sms_text, visible
from tools.dunning.sources import Sources, first_name, named_invoices, named_offer, newest_promise
from tools.dunning.templates import Identity, Language, find_template, part, reviewed_language
from tools.dunning.trace import untraced
from tools.dunning.wording import denied
from tools.ledger.model import Account
from tools.money import Money

_MASKED = "#"
# Read from the finished text, not taken from the template's index: the policy wants to see it there.
_WAY_OUT = re.compile(r"\bSTOP\b")
_DISCLOSED = re.compile(r"\bautomated assistant\b|\basistente automatizado\b", re.IGNORECASE)
# Purposes of which a free text asks for nothing; every other free text carries the way out, to be safe.
_NOT_COLLECTION: frozenset[Purpose] = frozenset({"receipt", "opt_out_confirmation", "condolence", "crisis"})


@dataclass(frozen=True, slots=True)
class _Script:
    """What will be said, before any record fills it."""

    subject: str | None
    text: str
    needs: Sequence[str]
    collection: bool
    identity: Identity
    version: str
    free: bool


def draft_message(
    args: GenerateDunningMessage,
    account: Account,
    company: Company,
    *,
    first_contact: bool,
    reply_contact_id: str | None,
    payment_minor: int | None = None,
    written_in: Language | None = None,
) -> Draft:
    """The message that `args` asks for, rendered from the ledger and read again by the checks.

    `first_contact` adds who we are and that an automated assistant writes; `payment_minor` is the payment that a
    receipt thanks for, in the customer's currency; `written_in` is the language of the message that is answered and
    goes before the one on file. What the checks find is in the draft, for the policy to judge;
    Undraftable is raised where no honest text can be made: an unknown template or placeholder, an invoice or an
    offer that is not this customer's, nobody to write to.
    """
    contact = choose_contact(account, args.channel, reply_contact_id)
    plan = named_offer(args, account)
    language, fallback = reviewed_language(written_in or account.customer.language)
    script = _script(args, language)
    mentions = not ABOUT_INVOICES.isdisjoint(names_in(script.text))
    invoices = named_invoices(args, account, mentions_invoices=mentions)
    sources = Sources(
        language=language,
        channel=args.channel,
        company_name=company.name,
        customer_name=" ".join(account.customer.name.split()),
        first_name=first_name(contact, account.customer),
        invoices=invoices,
        days_past_due=max((invoice.days_past_due(account.today) for invoice in invoices), default=0),
        promises=newest_promise(account),
        plan=plan,
        payment=None if payment_minor is None else Money(payment_minor, account.customer.currency),
    )
    subject, body = _compose(script, sources, first_contact=first_contact)
    # Names are masked where wording is judged: Ms Sue or the Court Street Dental Office may get mail.
    first = sources.first_name and _MASKED
    masked = replace(sources, company_name=_MASKED, customer_name=_MASKED, first_name=first)
    unnamed = _compose(script, masked, first_contact=first_contact)
    conceded = plan is not None and plan.total_minor < account.balance_of(plan.invoice_ids).minor
    balance = sum(invoice.balance_minor for invoice in invoices)
    return Draft(
        contact_id=contact.id,
        channel=args.channel,
        language=language,
        purpose=args.purpose,
        template=args.template,
        version=script.version,
        subject=subject,
        body=body,
        amount_minor=max(balance, plan.total_minor) if plan else balance,
        untraced=untraced(_joined(subject, body), sources, crisis=args.purpose == "crisis"),
        denied=denied(_joined(*unnamed), conceded=conceded),
        segments=segments(body) if args.channel == "sms" else None,
        way_out=_WAY_OUT.search(body) is not None,
        disclosed=_DISCLOSED.search(body) is not None,
        language_fallback=fallback,
        telling=telling(*unnamed),
    )


def _script(args: GenerateDunningMessage, language: Language) -> _Script:
    if args.template is None:
        frame = part("free_text", args.channel, language)
        subject, text = split_subject(frame.text)
        body = visible(args.body or "").strip()
        if not body:
            raise Undraftable("The body is empty; write what the customer should read.")
        collection = args.purpose not in _NOT_COLLECTION
        return _Script(
            subject, text.replace("{{body}}", body), (), collection, "named", frame.version, free=True
        )
    template = find_template(args.template)
    if args.purpose != template.purpose:
        raise Undraftable(
            f"Template {template.name} is for purpose {template.purpose}, not for {args.purpose}."
        )
    source = template.text(args.channel, language)
    subject, text = split_subject(source.text)
    return _Script(
        subject, text, template.needs, template.collection, template.identity, source.version, free=False
    )


def _compose(script: _Script, sources: Sources, *, first_contact: bool) -> tuple[str | None, str]:
    """Subject and body, with the disclosure of a first contact and the way out of a collection message."""
    laid_out = fill_body(script.text, sources) if script.free else lay_out(script.text, sources, script.needs)
    parts = [laid_out]
    if first_contact and script.identity != "own":
        name = "disclosure" if script.identity == "named" else "disclosure_unnamed"
        parts.append(
            lay_out(part(name, sources.channel, sources.language).text.strip(), sources, ("company",))
        )
    if script.collection:
        parts.append(lay_out(part("opt_out", sources.channel, sources.language).text.strip(), sources, ()))
    if sources.channel == "sms":
        return None, sms_text(visible(" ".join(parts).replace("\n ", "\n")))
    subject = lay_out(script.subject or "", sources, ("company",))
    return " ".join(visible(subject).split()), visible("\n\n".join(parts))


def _joined(subject: str | None, body: str) -> str:
    return f"{subject}\n{body}" if subject else body
