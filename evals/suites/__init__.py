"""The eval suites, the runner that plays them side by side, and what they report."""
