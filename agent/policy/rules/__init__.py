"""The rules, one theme a file. Importing this package fills the registry; the rules themselves are pure."""

from agent.policy.rules import (
    autonomy,
    follow_ups,
    ladder,
    messages,
    places,
    plans,
    recipient,
    records,
    stops,
    text,
    timing,
)

__all__ = [
    "autonomy",
    "follow_ups",
    "ladder",
    "messages",
    "places",
    "plans",
    "recipient",
    "records",
    "stops",
    "text",
    "timing",
]
