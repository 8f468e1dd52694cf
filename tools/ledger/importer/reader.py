"""Rows of a CSV or XLSX file as text, each with the line it stands on.

Cells stay text until a field's own parser reads them: no type is guessed, and no amount becomes a float.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from tools.errors import Invalid


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands: what a rejection names."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells by header, stripped, or the reason why it cannot be read at all."""

    place: Place
    cells: dict[str, str]
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A file that was read: its header and its rows in order, empty ones left out."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: Path, *, sheet: str | None = None, delimiter: str = ",") -> Table:
    """Read a file whole. Raises Invalid with one sentence when it is missing, empty or not what its name says."""
    if not path.is_file():
        raise Invalid(f"There is no file {path.name} in {path.parent}.")
    if path.suffix.lower() == ".xlsx":
        return _table(path.name, _xlsx(path, sheet), may_be_short=True)
    return _table(path.name, _csv(path, delimiter), may_be_short=False)


def _csv(path: Path, delimiter: str) -> Iterator[tuple[int, Sequence[str]]]:
    try:
        # utf-8-sig: a byte order mark, as Excel writes it, is no part of the first header.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            start = 1
            for cells in reader:
                yield start, cells
                start = reader.line_num + 1  # a quoted cell may run over several lines
    except UnicodeDecodeError as error:
        raise Invalid(f"{path.name} is not UTF-8 text (byte {error.start}); save it as CSV UTF-8.") from error
    except csv.Error as error:
        raise Invalid(f"{path.name} is not readable CSV: {error}.") from error
    except OSError as error:
        raise Invalid(f"{path.name} cannot be read: {error.strerror}.") from error


def _xlsx(path: Path, sheet: str | None) -> Iterator[tuple[int, Sequence[str]]]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, BadZipFile, KeyError, ValueError, OSError) as error:
        raise Invalid(f"{path.name} is not a readable XLSX workbook.") from error
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise Invalid(f"{path.name} has no sheet {sheet!r}; its sheets are {', '.join(book.sheetnames)}.")
        page = book[sheet] if sheet is not None else book.worksheets[0]
        for number, cells in enumerate(page.iter_rows(values_only=True), start=1):
            yield number, [_text(cell) for cell in cells]
    finally:
        book.close()


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        # A spreadsheet keeps numbers as doubles and shows 15 digits: those digits are what was typed.
        return format(cell, ".15g")
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)


def _table(name: str, lines: Iterable[tuple[int, Sequence[str]]], *, may_be_short: bool) -> Table:
    header: tuple[str, ...] = ()
    rows: list[Row] = []
    for number, raw in lines:
        cells = [cell.strip() for cell in raw]
        if not any(cells):
            continue
        if not header:
            header = _header(name, cells)
            continue
        reason = None
        if any(cells[len(header) :]) or (len(cells) < len(header) and not may_be_short):
            # A cut-off line may have lost its balance or its dispute: it is not guessed at.
            reason = f"it has {len(cells)} cells, the header has {len(header)}"
        elif any("\0" in cell for cell in cells):
            reason = "it has a NUL character"
        cells += [""] * (len(header) - len(cells))  # XLSX leaves out empty cells at the end
        rows.append(Row(Place(name, number), dict(zip(header, cells, strict=False)), reason))
    if not header:
        raise Invalid(f"{name} is empty.")
    return Table(header, tuple(rows))


def _header(name: str, cells: list[str]) -> tuple[str, ...]:
    while cells and not cells[-1]:
        cells.pop()
    named = [cell for cell in cells if cell]
    twice = sorted({cell for cell in named if named.count(cell) > 1})
    if twice:
        raise Invalid(f"{name} has two columns {twice[0]!r}.")
    return tuple(cells)
