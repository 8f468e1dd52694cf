"""Turns through the queue: the product's own worker in processes of its own, and what each turn and many of them cost."""
