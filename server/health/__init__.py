"""How the installation fares: whether it is ready, and what Prometheus is told."""
