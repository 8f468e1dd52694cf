"""The local page: a customer's phone and mailbox on the screen, for whoever tries Dunwell without an account anywhere."""
