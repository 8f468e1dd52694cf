"""Imports over HTTP: the same files and the same mapping as the command line takes."""

from typing import Any

from fastapi import APIRouter, UploadFile

from server.access import Importer, Running
from server.imports import import_uploads
from tools.errors import Invalid

router = APIRouter(prefix="/v1/imports", tags=["imports"])
_MOST_BYTES = 64 * 1024 * 1024


@router.post("")
async def import_(running: Running, user: Importer, files: list[UploadFile]) -> dict[str, Any]:
    """Import the uploaded files, `mapping.toml` among them. Rejected rows are named by file and line; good rows go in."""
    uploads: dict[str, bytes] = {}
    left = _MOST_BYTES
    for file in files:
        content = await file.read(left + 1)
        left -= len(content)
        if left < 0:
            raise Invalid(f"An import takes at most {_MOST_BYTES // 2**20} MiB; split it.")
        if not file.filename or file.filename in uploads:
            raise Invalid("Every file of an import needs a name of its own.")
        uploads[file.filename] = content
    return await import_uploads(running.engine, uploads, imported_by=user.name)
