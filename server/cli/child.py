"""`python -m server.cli.child` is `dunwell` for a child of `server.supervisor`: it stops, as on SIGTERM, when its parent is gone.

Its standard input is a pipe that the parent holds and never writes to, so that the pipe ends when the parent does, however
that happened. Without this a killed parent would leave children that nobody stops, beside those of the next one.
"""

import os
import signal
import sys
import threading

from server.cli import main


def _stop_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_stop_with_parent, daemon=True, name="parent").start()
    main()
