"""Autonomy on record: what was counted, and the steps up and down that came of it."""
