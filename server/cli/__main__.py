"""`python -m server.cli` is `dunwell`."""

from server.cli import main

main()
