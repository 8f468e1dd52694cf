"""A SendGrid on loopback: it keeps mails, refuses with real errors, signs webhooks as SendGrid does, and lies on demand."""

from evals.providers.sendgrid.fake import FakeSendGrid
from evals.providers.sendgrid.mails import Kept, Mails
from evals.providers.sendgrid.webhooks import Webhooks

__all__ = ["FakeSendGrid", "Kept", "Mails", "Webhooks"]
