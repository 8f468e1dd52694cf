"""Benchmarks: what a turn, a long conversation, a memory search and a plan cost, beside what others would pay."""
