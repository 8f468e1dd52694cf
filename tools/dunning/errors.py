"""What can go wrong while a message is drafted."""

from tools.errors import Refused


class Undraftable(Refused):
    """This message cannot be written as asked; the text says in one sentence what would make it possible."""
