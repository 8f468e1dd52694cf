"""A Twilio on loopback: it keeps messages, refuses with real codes, signs webhooks as Twilio does, and lies on demand."""

from evals.providers.twilio.fake import FakeTwilio
from evals.providers.twilio.messages import Message
from evals.providers.twilio.webhooks import Lies, Webhooks

__all__ = ["FakeTwilio", "Lies", "Message", "Webhooks"]
