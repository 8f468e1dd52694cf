"""The sender: claims queued messages, judges them again, hands each to its channel once, and settles it."""

from server.sender.dispatch import Dispatched, dispatch_due, run_sender
from server.sender.lanes import Lane, lanes
from server.sender.reconcile import Reconciled, reconcile
from server.sender.resolve import confirm, retry

__all__ = [
    "Dispatched", "Lane", "Reconciled", "confirm", "dispatch_due", "lanes", "reconcile", "retry", "run_sender",
]  # fmt: skip
