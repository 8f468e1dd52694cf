"""Bodies: what was posted, to the byte, as a signature needs it; never more than was meant to be read."""

from fastapi import Request

from tools.errors import Invalid


async def raw_body(request: Request, *, most: int) -> bytes:
    """The request's body of at most `most` bytes. Raises Invalid for a longer one, of which no more is kept."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise Invalid("That is more than any provider sends.")
        chunks.append(chunk)
    return b"".join(chunks)
