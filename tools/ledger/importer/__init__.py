"""Imports of a foreign ledger from files: CSV or XLSX, read by a mapping, into the canonical AR model."""

from tools.ledger.importer.load import import_ledger
from tools.ledger.importer.mapping import Mapping
from tools.ledger.importer.report import Counts, Finding, ImportReport

__all__ = ["Counts", "Finding", "ImportReport", "Mapping", "import_ledger"]
