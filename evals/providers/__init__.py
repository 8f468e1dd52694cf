"""A stand-in for an SMS and e-mail provider, and the channel that talks to it: what benches and the chaos harness send through."""

from evals.providers.faults import Fault
from evals.providers.http_channel import HttpChannel
from evals.providers.stand_in import Accepted, StandIn

__all__ = ["Accepted", "Fault", "HttpChannel", "StandIn"]
