"""`dunwell bench send`: messages a second through the real sender, and what a claim costs with a long queue behind it."""

from evals.bench.send.claims import measure_claims
from evals.bench.send.rate import measure_rate

__all__ = ["measure_claims", "measure_rate"]
