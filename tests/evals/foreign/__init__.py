"""Foreign agents over HTTP, and the default LangGraph stack as one of them."""
