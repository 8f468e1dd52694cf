"""Imports: a folder of files and its mapping become the ledger, in one transaction; what arrived is handled after."""

import re
import tempfile
from collections.abc import Mapping as Named
from pathlib import Path
from types import MappingProxyType
from typing import Any

from agent.deps import Deps
from agent.engine.run import Engine
from server.cycle import handle_waiting
from tools.clock import business_day
from tools.errors import Invalid
from tools.ledger.importer.load import import_ledger
from tools.ledger.importer.mapping import Mapping
from tools.ledger.importer.report import ImportReport
from tools.ledger.queries import remember_portfolio

MAPPING = "mapping.toml"
_PLAIN_NAME = re.compile(r"\w[\w .()+-]{0,59}")
_NO_FILES: Named[str, Path] = MappingProxyType({})


async def import_folder(
    deps: Deps, folder: Path, mapping: Mapping, *, imported_by: str, files: Named[str, Path] = _NO_FILES
) -> ImportReport:
    """Import a folder in one transaction; its rejected rows and findings stand in the report. Raises Invalid."""
    now = deps.clock.now()
    async with deps.pool.connection() as conn, conn.transaction():
        report = await import_ledger(conn, folder, mapping, now=now, imported_by=imported_by, files=files)
        await remember_portfolio(conn, today=business_day(now, deps.company.zone))
    return report


async def import_and_handle(
    engine: Engine, folder: Path, *, imported_by: str, mapping: Path | None = None
) -> dict[str, Any]:
    """Import a folder by its mapping file, then run the episodes that its payments and disputes open."""
    report = await import_folder(engine.deps, folder, _read_mapping(folder, mapping), imported_by=imported_by)
    handled, failed = await handle_waiting(engine)
    return {**report.as_json(), "episodes": len(handled), "episodes_failed": len(failed)}


def _read_mapping(folder: Path, mapping: Path | None) -> Mapping:
    if not folder.is_dir():
        raise Invalid(f"There is no folder {folder}.")
    return Mapping.read(mapping or folder / MAPPING)


async def import_uploads(engine: Engine, uploads: Named[str, bytes], *, imported_by: str) -> dict[str, Any]:
    """The same for files that came over HTTP, `mapping.toml` among them; they are gone when this returns."""
    with tempfile.TemporaryDirectory(prefix="dunwell-import-") as name:
        folder = Path(name)
        for file_name, content in uploads.items():
            # A name like ../../x would leave the folder: a plain name is all that an import needs.
            if not _PLAIN_NAME.fullmatch(file_name):
                raise Invalid(
                    f"A file is called by a plain name such as customers.csv, not {file_name[:80]!r}."
                )
            (folder / file_name).write_bytes(content)
        if not (folder / MAPPING).is_file():
            raise Invalid(f"An import needs a file {MAPPING} that says which column means what.")
        return await import_and_handle(engine, folder, imported_by=imported_by)
