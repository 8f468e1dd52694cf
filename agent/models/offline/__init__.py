"""Our deterministic collector: a chat model of rules that reads the same prompt as any other model."""

from agent.models.offline.model import OfflineCollector

__all__ = ["OfflineCollector"]
