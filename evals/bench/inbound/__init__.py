"""What customers send us: how soon it is acknowledged, how soon it is picked up, and what else may not delay it."""
