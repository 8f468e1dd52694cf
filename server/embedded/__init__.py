"""An embedded Postgres 18 with pgvector in a data folder, shared by processes, its lifetime owned by us."""

from server.embedded.server import Server, Status, ensure_running, status, stop

__all__ = ["Server", "Status", "ensure_running", "status", "stop"]
