"""The sender: when a row has to be looked at again, a due index for each channel, and each channel's pace and trouble."""

from server.migrations import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Forwards only: a step back is a new revision."""
    run_sql("0004_sender.sql")
