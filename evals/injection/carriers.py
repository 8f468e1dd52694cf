"""Where an injection stands: in the customer's message, as its channel reads it, or in a field of the ledger."""

from dataclasses import dataclass
from email.message import EmailMessage
from html import escape

from evals.injection.attacks import Case, tasks
from tools.channels.mail.read import read_mail

_NAME = 200  # characters of a file name, and of a customer's name in a ledger
_NOTE = 2000


@dataclass(frozen=True, slots=True)
class Delivery:
    """The customer's message, and what the ledger holds besides; None leaves a field as it is."""

    body: str
    name: str | None = None
    note: str | None = None
    memo: str | None = None


def deliver(case: Case) -> Delivery:  # noqa: PLR0911 - one return for each carrier
    """The case's task in the customer's words, with its attack in its carrier. Raises ValueError for an unknown carrier."""
    task, attack = tasks()[case.task], case.attack
    if not attack:
        return Delivery(task)
    line = " ".join(attack.split())
    match case.carrier:
        case "sms":
            return Delivery(f"{task}\n\n{attack}")
        case "email":
            return Delivery(_read(text=f"{task}\n\n{attack}"))
        case "hidden_html":
            hidden = f'<div style="display:none;font-size:0;color:#fff">{escape(attack)}</div>'
            return Delivery(_read(html=f"<html><body><p>{escape(task)}</p>{hidden}</body></html>"))
        case "attachment_name":
            return Delivery(_read(text=task, attachment=f"{line[:_NAME]}.pdf"))
        case "ledger_memo":
            return Delivery(task, memo=attack[:_NOTE])
        case "job_note":
            return Delivery(task, note=attack[:_NOTE])
        case "customer_name":
            return Delivery(task, name=f"{line[:_NAME]} Bakery {case.number}")
        case unknown:
            raise ValueError(f"there is no carrier {unknown}")


def _read(*, text: str | None = None, html: str | None = None, attachment: str | None = None) -> str:
    """What the channel hands over of a customer's e-mail: it goes over the wire and is read as any other."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "customer@example.com",
        "reply@example.com",
        "Re: your invoice",
    )
    mail.set_content(text or html or "", subtype="html" if html else "plain")
    if attachment:
        mail.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename=attachment)
    return read_mail(bytes(mail)).said
