"""All files of one import, read: each row a canonical value, or rejected with its line and the reason."""

from collections.abc import Callable, Iterable
from collections.abc import Mapping as ReadOnlyDict
from pathlib import Path
from typing import Any, TypeVar

from tools.errors import Invalid
from tools.ledger.importer import rows
from tools.ledger.importer.cells import BadCell, Cells
from tools.ledger.importer.columns import Columns
from tools.ledger.importer.mapping import Mapping, Source
from tools.ledger.importer.model import AnyRow, Batch, ContactRow, Rejected
from tools.ledger.importer.reader import Row, Table, read_table

R = TypeVar("R", bound=AnyRow)


def read_batch(folder: Path, mapping: Mapping, files: ReadOnlyDict[str, Path]) -> Batch:
    """Read every file of the mapping. Raises Invalid for a file or a column that is not there."""
    rejected: list[Rejected] = []
    read = _Reader(folder, mapping, files, rejected)
    return Batch(
        customers=read.all("customers", mapping.customers, rows.customer),
        contacts=read.all("contacts", mapping.contacts, rows.contact),
        invoices=read.all("invoices", mapping.invoices, rows.invoice),
        payments=read.all("payments", mapping.payments, rows.payment),
        credits=read.all("credits", mapping.credits, rows.credit),
        disputes=read.all("disputes", mapping.disputes, rows.dispute),
        rejected=rejected,
    )


class _Reader:
    def __init__(
        self, folder: Path, mapping: Mapping, files: ReadOnlyDict[str, Path], rejected: list[Rejected]
    ) -> None:
        self._folder, self._mapping, self._files, self._rejected = folder, mapping, files, rejected

    def all(self, entity: str, sources: Iterable[Source[Any]], build: Callable[[Cells], R]) -> list[R]:
        """The entity's rows from all of its files, in order."""
        found: list[R] = []
        for source in sources:
            path = self._files.get(entity, self._folder / source.file)
            if source.optional and not path.exists():
                continue
            table = read_table(path, sheet=source.sheet, delimiter=source.delimiter)
            _check_columns(path.name, source, table)
            found.extend(self._rows(source, table, build))
        return found

    def _rows(self, source: Source[Any], table: Table, build: Callable[[Cells], R]) -> Iterable[R]:
        seen: set[object] = set()
        for row in table.rows:
            if row.unreadable:
                self._rejected.append(Rejected(row.place, row.unreadable))
            elif _belongs(source, row):
                try:
                    value = build(Cells(row, source, self._mapping))
                except BadCell as bad:
                    self._rejected.append(Rejected(row.place, bad.reason, bad.column))
                    continue
                if source.distinct:
                    identity = _identity(value)
                    if identity in seen:
                        continue
                    seen.add(identity)
                yield value


def _check_columns(name: str, source: Source[Any], table: Table) -> None:
    columns: Columns = source.columns
    wanted = [getattr(columns, field) for field in type(columns).model_fields]
    named = [column for column in wanted if isinstance(column, str)]
    for column in [*named, *([source.where.column] if source.where else [])]:
        if column not in table.header:
            there = ", ".join(repr(header) for header in table.header if header)
            raise Invalid(
                f"{name} has no column {column!r}, which the mapping names; its columns are {there}."
            )


def _identity(value: AnyRow) -> object:
    """By what rows about the same thing are told, in a file that repeats it."""
    return (value.customer_id, value.channel, value.address) if isinstance(value, ContactRow) else value.id


def _belongs(source: Source[Any], row: Row) -> bool:
    if source.where is None:
        return True
    cell = row.cells[source.where.column]
    return cell in source.where.is_one_of if source.where.is_one_of else bool(cell)
