"""Decides: the graph, the engine that runs it and commits once, the policy, the approvals, the models."""

import os

# LangGraph reads this flag when it is imported; without it a crafted checkpoint row can run code
# (langgraph.md 5). The server asserts at start-up that it held.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
