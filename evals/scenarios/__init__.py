"""Conversations with what must come of them, any agent that answers them, and what is found when they are played."""
