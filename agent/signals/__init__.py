"""Signals that stop outreach (policy.md 4), found by code before and independently of any model."""

from agent.signals.detect import detect
from agent.signals.model import Signal
from agent.signals.record import as_record

__all__ = ["Signal", "as_record", "detect"]
