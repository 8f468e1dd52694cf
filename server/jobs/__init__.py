"""The queue: one job for each turn, in order and one at a time for a customer; chores on a schedule."""
