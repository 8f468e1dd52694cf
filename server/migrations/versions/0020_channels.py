"""Channels: who wrote, what a provider says of a message, and the ledger of consent."""

from server.migrations import run_sql

revision = "0020"
down_revision = "0014"


def upgrade() -> None:
    """Forwards only: a step back is a new revision."""
    run_sql("0020_channels.sql")
