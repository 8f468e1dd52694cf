"""How well the signals of policy.md 4 are found, on labelled messages of two authors (suite D of evals.md)."""
