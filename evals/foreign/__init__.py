"""Anybody's agent plays the scenarios over HTTP, and the default LangGraph stack does so beside ours."""
