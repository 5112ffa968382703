"""Reading XLSX files that strangers made: sheets of plain cell values, within limits."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.records.identifiers import InvalidValue

MOST_ROWS = 50_000
MOST_COLUMNS = 100
MOST_SHEETS = 20
MOST_TEXT = 2_000
_MOST_UNPACKED = 300 * 1024 * 1024
_MOST_RATIO = 150

Row = tuple[int, tuple[Any, ...]]
"""Row number as the spreadsheet shows it, and its values."""


@dataclass(frozen=True)
class Sheet:
    """A worksheet: its title and its rows that are not empty."""

    title: str
    rows: list[Row]

    def address(self, column: int, row: int) -> str:
        """Address of a cell as people write it, e.g. ``业主!H42``; columns count from 0."""
        return f"{self.title}!{column_letter(column)}{row}"


def column_letter(column: int) -> str:
    """The letters of a column, which counts from 0: 0 is A, 26 is AA."""
    from xlsxwriter.utility import xl_col_to_name  # the start of the program need not wait for it

    return xl_col_to_name(column)


def read_workbook(data: bytes) -> list[Sheet]:
    """The sheets of an XLSX file; formulas give their stored values.

    Raises:
        InvalidValue: no XLSX file, damaged, or beyond the limits on sheets, rows, columns and unpacked size.
    """
    from openpyxl import load_workbook  # a third of a second to load; few processes ever read a workbook

    _refuse_bombs(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions, which are not read
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            if len(book.worksheets) > MOST_SHEETS:
                raise InvalidValue(_l("The workbook has more than %(count)s sheets.", count=MOST_SHEETS))
            return [Sheet(sheet.title, list(_rows(sheet))) for sheet in book.worksheets]
    except InvalidValue:
        raise
    except Exception as error:  # openpyxl lets anything escape on a damaged file
        raise InvalidValue(_l("This file cannot be read as an XLSX workbook.")) from error


def _refuse_bombs(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except zipfile.BadZipFile:
        raise InvalidValue(_l("This file cannot be read as an XLSX workbook.")) from None
    unpacked = sum(part.file_size for part in parts)
    if unpacked > _MOST_UNPACKED or unpacked > max(len(data), 100_000) * _MOST_RATIO:
        raise InvalidValue(_l("The workbook unpacks to far more than its size; it was not opened."))


def _rows(sheet: Any) -> Iterator[Row]:
    sheet.reset_dimensions()  # the stated size may be wrong or huge
    rows = sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS)
    for number, values in enumerate(rows, start=1):
        if number > MOST_ROWS:
            raise InvalidValue(_l("Sheet %(sheet)s has more than %(count)s rows.", sheet=sheet.title, count=MOST_ROWS))
        if any(not _blank(value) for value in values):
            yield number, tuple(v[:MOST_TEXT] if isinstance(v, str) else v for v in values)


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
