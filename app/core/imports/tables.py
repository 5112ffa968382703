"""What a workbook should hold: tables with their columns, recognised by their usual names, read cell by cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.access.masking import mask
from app.core.fields.kinds import Field
from app.core.fields.models import FieldKind
from app.core.imports.workbook import Sheet
from app.core.records.choices import Choice, in_language
from app.core.records.identifiers import InvalidValue, Noted, halfwidth


class Severity(Choice):
    """How a remark on a cell touches the import; the first two mean that a person must look at the row again."""

    ERROR = "error", _l("Row not imported")
    OMITTED = "omitted", _l("Value left out")
    CORRECTED = "corrected", _l("Value corrected")
    CHANGED = "changed", _l("Record changed")

    @property
    def colour(self) -> str:
        return {"error": "red", "omitted": "orange", "corrected": "azure", "changed": "blue"}[self.value]


@dataclass(frozen=True)
class Problem:
    """A remark on one cell: why, and what the import does about it."""

    sheet: str
    row: int
    cell: str
    severity: Severity
    reason: Any
    action: Any


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table.

    ``aliases``: headings by which it is recognised. ``read``: turns a filled cell into its value or raises
    ``InvalidValue``. An unusable value makes the row an error, or is left out when ``may_omit``. ``mask``: how the
    value shows in remarks (a kind of :mod:`app.core.access.masking`). ``field``: the added field whose values it holds.
    """

    name: str
    title: Any
    aliases: tuple[str, ...]
    read: Callable[[Any], Any]
    required: bool = False
    may_omit: bool = False
    mask: str = ""
    field: Field | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """A kind of sheet: its name, the titles it usually bears, and its columns.

    ``record_type``: table of the records whose added fields are further columns.
    """

    name: str
    title: Any
    aliases: tuple[str, ...]
    columns: tuple[Column, ...]
    record_type: str = ""

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


Mapped = dict[str, dict[str, Any]]
"""``{table: {"sheet": title, "header": row number, "columns": {column: index}}}``, plain JSON."""


def recognise(tables: Sequence[Table], sheets: Sequence[Sheet]) -> Mapped:
    """Find the sheet, heading row and columns of each table; tables without a sheet are missing in the answer."""
    mapping: Mapped = {}
    for table in tables:
        free = [sheet for sheet in sheets if sheet.title not in {m["sheet"] for m in mapping.values()}]
        found = [(_score(table, sheet, columns), sheet, number, columns) for sheet in free
                 for number, columns in [recognise_columns(table, sheet)]]  # fmt: skip
        score, sheet, number, columns = max(found, key=lambda f: f[0], default=(0, None, 0, {}))
        if score and sheet:
            mapping[table.name] = {"sheet": sheet.title, "header": number, "columns": columns}
    return mapping


def _score(table: Table, sheet: Sheet, columns: Mapping[str, int]) -> int:
    if any(column.required and column.name not in columns for column in table.columns):
        return 0
    named = _heading(sheet.title) in {_heading(alias) for alias in table.aliases}
    return len(columns) + (100 if named else 0)


def recognise_columns(table: Table, sheet: Sheet) -> tuple[int, dict[str, int]]:
    """The heading row of ``sheet`` and the columns of ``table`` in it, by name."""
    best: tuple[int, dict[str, int]] = (sheet.rows[0][0] if sheet.rows else 1, {})
    for number, values in sheet.rows[:20]:
        headings = {_heading(value): index for index, value in reversed(list(enumerate(values))) if value is not None}
        columns: dict[str, int] = {}
        for column in table.columns:
            places = (headings.get(_heading(alias)) for alias in column.aliases)
            place = next((p for p in places if p is not None and p not in columns.values()), None)
            if place is not None:
                columns[column.name] = place
        if len(columns) > len(best[1]):
            best = number, columns
    return best


def _heading(value: Any) -> str:
    """A heading without spaces, stars and what stands in brackets, e.g. the unit of measure."""
    return re.sub(r"\(.*?\)|[\s*:]", "", halfwidth(str(value))).casefold()


def heading_of(column: Column) -> str:
    """A heading in the reader's language by which the column is recognised."""
    title = str(column.title)
    known = {_heading(alias) for alias in column.aliases}
    return title if _heading(title) in known else in_language(column.aliases[0], column.aliases[-1])


@dataclass
class Line:
    """One row of a table, read: values by column name (empty cells are None) and remarks on its cells."""

    table: Table
    sheet: Sheet
    row: int
    cells: tuple[Any, ...]
    places: Mapping[str, int]
    header: int = 1
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    result: str = ""

    @property
    def rejected(self) -> bool:
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    def __getitem__(self, column: str) -> Any:
        return self.values.get(column)

    def reject(self, column: str, reason: Any) -> None:
        """The row cannot be imported."""
        self._note(column, Severity.ERROR, reason, _l("The row is not imported."))

    def omit(self, column: str, reason: Any) -> None:
        """The row is imported without this value."""
        self.values[column] = None
        self._note(column, Severity.OMITTED, reason, _l("The value is left out; the rest of the row is imported."))

    def correct(self, column: str, reason: Any, value: Any) -> None:
        """The cell means something else than it says."""
        self.values[column] = value
        self._note(column, Severity.CORRECTED, reason, _l("Read as %(value)s.", value=self._shown(column, value)))

    def change(self, column: str, old: Any, new: Any) -> None:
        """The record exists with another value, which the cell replaces."""
        reason = _l("So far the record says %(value)s.", value=self._shown(column, old) or "—")
        self._note(column, Severity.CHANGED, reason, _l("Becomes %(value)s.", value=self._shown(column, new)))

    def _note(self, column: str, severity: Severity, reason: Any, action: Any) -> None:
        place = self.places.get(column, 0)
        address = self.sheet.address(place, self.row)
        self.problems.append(Problem(self.sheet.title, self.row, address, severity, reason, action))

    def _shown(self, column: str, value: Any) -> Any:
        known = self.table.column(column)
        if known.field and known.field.kind is FieldKind.CHOICE and value is not None:
            return known.field.choice(value).title
        return mask(known.mask, str(value or "")) if known.mask else shown(value)


def shown(value: Any) -> Any:
    """A value as a remark shows it."""
    if isinstance(value, Choice):
        return value.title
    if isinstance(value, bool):
        return _l("Yes") if value else _l("No")
    if isinstance(value, date):
        return value.isoformat()[:10]  # a day cell of a workbook is a moment at midnight
    return "" if value is None else str(value)


def read_table(table: Table, sheets: Sequence[Sheet], mapping: Mapped) -> list[Line]:
    """The rows of ``table``, each cell read by its column; nothing when the table is not mapped."""
    where = mapping.get(table.name)
    sheet = next((s for s in sheets if where and s.title == where["sheet"]), None)
    if where is None or sheet is None:
        return []
    places: dict[str, int] = where["columns"]
    return [
        _read_line(Line(table, sheet, number, cells, places, where["header"]))
        for number, cells in sheet.rows
        if number > where["header"]
        and any(place < len(cells) and not _empty(cells[place]) for place in places.values())
    ]


def _read_line(line: Line) -> Line:
    for column in line.table.columns:
        place = line.places.get(column.name)
        cell = line.cells[place] if place is not None and place < len(line.cells) else None
        if _empty(cell):
            line.values[column.name] = None
            if column.required:
                line.reject(column.name, _l("%(column)s is empty.", column=column.title))
            continue
        try:
            found = column.read(cell)
        except InvalidValue as error:
            line.values[column.name] = None
            (line.omit if column.may_omit else line.reject)(column.name, error.sentence)
            continue
        value, reason = found if isinstance(found, Noted) else (found, None)
        chosen = column.field is not None and column.field.kind is FieldKind.CHOICE
        reason = reason or (None if chosen else _spelling(cell, value))
        line.values[column.name] = value
        if reason:
            line.correct(column.name, reason, value)
    return line


def _empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not halfwidth(cell).strip())


def _spelling(cell: Any, value: Any) -> Any:
    """Why the value differs from what the cell shows, nothing when it does not."""
    if not isinstance(cell, str) or isinstance(value, Choice | bool) or cell == value:
        return None
    if isinstance(value, date):
        return _l("A text instead of a date.")
    if isinstance(value, int | Decimal | Fraction):
        return _l("A text instead of a number.")
    return _l("Unusual spelling: spaces, signs or full-width characters.") if isinstance(value, str) else None


# --- readers of ordinary cells -----------------------------------------------------------------------------------


def plain_text(most: int) -> Callable[[Any], str]:
    """Reader of texts of at most ``most`` characters; numbers and dates are taken as they show."""

    def read(cell: Any) -> str:
        text = re.sub(r"\s+", " ", str(cell_text(cell))).strip()
        if len(text) > most:
            raise InvalidValue(_l("At most %(count)s characters fit.", count=most))
        return text

    return read


def cell_text(cell: Any) -> str:
    """A cell as text: 403.0 is 403, a date is ISO."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return (cell.date() if not (cell.hour or cell.minute) else cell).isoformat()
    return str(cell)


def whole_number(cell: Any) -> int:
    """Reader of whole numbers such as floors: ``12``, ``12.0``, ``"12层"``, ``"-1"``."""
    text = re.sub(r"[\s层楼F]", "", halfwidth(cell_text(cell)).upper())
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise InvalidValue(_l("“%(text)s” is no whole number.", text=str(cell)))
    return int(text)


def one_of(words: Mapping[str, Choice]) -> Callable[[Any], Choice]:
    """Reader of closed lists by the words people use for them; unknown words are refused with the known ones."""
    known = {_heading(word): choice for word, choice in words.items()}

    def read(cell: Any) -> Choice:
        choice = known.get(_heading(cell))
        if choice is None:
            raise InvalidValue(
                _l("“%(text)s” is not known here; known are %(known)s.", text=str(cell), known="、".join(words))
            )
        return choice

    return read
