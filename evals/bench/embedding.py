"""The embedding of every configuration: the packaged local model."""

from tools.memory.embeddings import LocalEmbedder

DIMENSION = 256
embed = LocalEmbedder().embed


async def embed(texts):
    return await LocalEmbedder().embed(texts)
