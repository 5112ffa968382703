"""What people get of an import: an empty workbook to fill in, the rows to look at again, the list of remarks."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _

from app.core.exports.tables import write_xlsx
from app.core.imports.plan import Plan
from app.core.imports.tables import Line, Severity, Table, heading_of
from app.core.imports.workbook import MOST_ROWS
from app.core.records.choices import in_language


def rows_to_correct(plan: Plan) -> bytes:
    """An XLSX of the rows that were not imported, or not with every value: the cells as they came, and the reasons.

    Sheets and headings are those of the original, so that the corrected file can be imported by itself. Text stays
    text whatever it looks like.
    """
    from xlsxwriter import Workbook  # the start of the program need not wait for it

    file = io.BytesIO()
    book = Workbook(file, {"strings_to_formulas": False, "strings_to_urls": False, "default_date_format": "yyyy-mm-dd"})
    formats = {"head": book.add_format({"bold": True, "bottom": 1}), "reason": book.add_format({"text_wrap": True})}
    sheets: dict[str, list[Line]] = {}
    for line in plan.to_return():
        sheets.setdefault(line.sheet.title, []).append(line)
    for title, lines in sheets.items():
        _write_sheet(book.add_worksheet(title), lines, formats)
    if not sheets:
        book.add_worksheet(_("Nothing to correct"))
    book.close()
    return file.getvalue()


def _write_sheet(page: Any, lines: list[Line], formats: dict[str, Any]) -> None:
    headings = _headings(lines[0])
    page.freeze_panes(1, 0)
    page.set_column(0, len(headings), 13)
    page.set_column(len(headings), len(headings), 60)
    for column, heading in enumerate([*headings, _("Reason")]):
        page.write_string(0, column, str(heading if heading is not None else ""), formats["head"])
    for number, line in enumerate(lines, 1):
        for column, cell in enumerate(line.cells):
            _write(page, number, column, cell)
        page.write_string(number, len(headings), "\n".join(_reasons(line)), formats["reason"])


def _headings(line: Line) -> list[Any]:
    """The heading row that stands above the line in its sheet."""
    heading = next((values for number, values in line.sheet.rows if number == line.header), ())
    return [*heading, *[None] * (len(line.cells) - len(heading))]


def _reasons(line: Line) -> list[str]:
    lasting = (Severity.ERROR, Severity.OMITTED)
    return [f"{p.cell.rpartition('!')[2]}: {p.reason}" for p in line.problems if p.severity in lasting]


def _write(page: Any, row: int, column: int, cell: Any) -> None:
    if cell is None:
        return
    if isinstance(cell, bool):
        page.write_boolean(row, column, cell)
    elif isinstance(cell, datetime | date):
        page.write_datetime(row, column, cell)
    elif isinstance(cell, int | float):
        page.write_number(row, column, cell)
    else:
        page.write_string(row, column, str(cell))


def empty_workbook(tables: Sequence[Table]) -> bytes:
    """An XLSX to fill in: a sheet for each table with headings by which its columns are recognised.

    A star marks what must be filled in; the cells of a choice offer its values.
    """
    from xlsxwriter import Workbook  # as above

    file = io.BytesIO()
    book = Workbook(file)
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
    for table in tables:
        page = book.add_worksheet(in_language(table.aliases[0], table.aliases[-1]))
        page.freeze_panes(1, 0)
        page.set_column(0, len(table.columns) - 1, 14)
        for place, column in enumerate(table.columns):
            page.write_string(0, place, f"{heading_of(column)}{' *' if column.required else ''}", head)
            offered = [c.title for c in column.field.choices if not c.withdrawn] if column.field else []
            if offered and len(",".join(offered)) <= LONGEST_OFFER:
                page.data_validation(1, place, MOST_ROWS - 1, place, {"validate": "list", "source": offered})
    book.close()
    return file.getvalue()


LONGEST_OFFER = 255
"""Characters that a spreadsheet takes as a list of values offered in a cell."""


def remarks(plan: Plan) -> bytes:
    """All remarks of a plan as an XLSX list: cell, what happens, reason."""
    file = io.BytesIO()
    heads = [_("Cell"), _("Result"), _("Reason"), _("What is done")]
    rows = ([p.cell, str(p.severity.title), str(p.reason), str(p.action)] for p in plan.problems)
    write_xlsx(file, _("Remarks"), heads, rows)
    return file.getvalue()
