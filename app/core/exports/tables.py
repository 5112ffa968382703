"""Tables as files: XLSX and CSV, row by row in constant memory, never a formula in a cell."""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any
from urllib.parse import quote

from werkzeug.wrappers import Response

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
CELL_LIMIT = 32767
LARGEST_EXACT = Decimal(10) ** 15


def offer(answer: Response, name: str) -> None:
    """Let the browser save ``answer`` as ``name``, which may be Chinese (RFC 6266, RFC 5987)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode() or "file"
    extra = {} if plain == name else {"filename*": f"UTF-8''{quote(name, safe='')}"}
    answer.headers.set("Content-Disposition", "attachment", filename=plain, **extra)


def harmless(text: str) -> str:
    """``text`` with an apostrophe in front where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def csv_lines(heads: Sequence[str], rows: Iterable[Sequence[Any]], together: int = 100) -> Iterator[bytes]:
    """A CSV file in UTF-8 with a byte-order mark, as spreadsheet programs expect it: the heads, then some rows at a time.

    Cells may be text, ``Decimal``, ``int``, ``bool``, ``date``, ``datetime`` (local, written to the minute) or None.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)

    def written() -> bytes:
        data = text.getvalue().encode()
        text.seek(0)
        text.truncate()
        return data

    writer.writerow([harmless(head) for head in heads])
    yield codecs.BOM_UTF8 + written()
    for number, row in enumerate(rows, 1):
        writer.writerow([_plain(cell) for cell in row])
        if number % together == 0:
            yield written()
    yield written()


def write_csv(file: IO[bytes], heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write what :func:`csv_lines` gives."""
    file.writelines(csv_lines(heads, rows))


def _plain(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, Decimal | int | float) and not isinstance(cell, bool):
        return str(cell)
    return harmless(str(cell))


def write_xlsx(file: IO[bytes], title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write an XLSX file with one sheet; cells as for :func:`csv_lines`. Text stays text whatever it looks like."""
    from xlsxwriter import Workbook  # the start of the program need not wait for it

    book = Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet("".join(" " if c in "[]:*?/\\'" else c for c in title)[:31].strip() or "1")
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
    day, moment = (book.add_format({"num_format": f}) for f in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm"))
    text = book.add_format({"quote_prefix": True})
    amounts: dict[int, Any] = {}
    widths = [min(40, max(10, 2 * len(label) + 2)) for label in heads]
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(1, 0)
    for column, label in enumerate(heads):
        sheet.write_string(0, column, label, head)
    for number, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            if cell is None or cell == "":
                continue
            if isinstance(cell, bool):
                sheet.write_boolean(number, column, cell)
            elif isinstance(cell, datetime):
                sheet.write_datetime(number, column, cell.replace(tzinfo=None), moment)
            elif isinstance(cell, date):
                sheet.write_datetime(number, column, cell, day)
            elif isinstance(cell, Decimal | int | float) and abs(Decimal(cell)) < LARGEST_EXACT:
                places = max(0, -int(cell.as_tuple().exponent)) if isinstance(cell, Decimal) and cell.is_finite() else 0
                if places not in amounts:
                    amounts[places] = book.add_format({"num_format": "#,##0" + ("." + "0" * places if places else "")})
                sheet.write_number(number, column, float(cell), amounts[places] if isinstance(cell, Decimal) else None)
            else:
                words = str(cell)[:CELL_LIMIT]
                sheet.write_string(number, column, words, text if words.startswith(FORMULA_STARTS) else None)
    book.close()
