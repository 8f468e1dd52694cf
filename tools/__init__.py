"""Knows and acts: the four tools are the agent's whole surface."""
