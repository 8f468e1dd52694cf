"""Conversation memory: embeddings and full text beside each message, and which model made the vectors."""

from server.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Forwards only: a step back is a new revision."""
    run_sql("0002_memory.sql")
