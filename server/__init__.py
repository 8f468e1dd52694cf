"""The server runs: HTTP, console, worker, scheduler, command line, settings, migrations, embedded Postgres."""

import agent as agent  # before anything here imports LangGraph: it sets strict msgpack
