"""Where in a state a customer lives, as far as a city's rules of contact need it."""

from server.migrations import run_sql

revision = "0010"
down_revision = "0005"


def upgrade() -> None:
    """Forwards only: a step back is a new revision."""
    run_sql("0010_postal_area.sql")
