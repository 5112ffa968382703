"""Days of the calendar from a file: the yearly State Council notice, or the estate's own days.

Read are CSV and XLSX with a line per day, and JSON as public collections of the notices have it:
``{"days": [{"name": …, "date": "2026-10-01", "isOffDay": true}]}``. What :func:`days_of` exports can be read back.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.clocks.calendar import DAY, WorkingCalendar, by_library, notice
from app.core.clocks.models import CalendarDay
from app.core.imports.workbook import read_workbook
from app.core.records.choices import Choice
from app.core.records.identifiers import InvalidValue, halfwidth

COLUMNS = ("day", "working", "title", "opens", "closes", "closed")
MOST_BYTES = 2 * 1024 * 1024
MOST_LINES = 2000
ALIASES = {
    "date": "day", "日期": "day", "isoffday": "off", "off": "off", "休息日": "off", "放假": "off", "name": "title",
    "名称": "title", "节日": "title", "holiday": "title", "上班": "working", "workday": "working",
}  # fmt: skip
YES = {"1", "true", "yes", "y", "是", "√", "x"}
NO = {"0", "false", "no", "n", "否", ""}


class Fate(Choice):
    """What the import does with a day."""

    NEW = "new", _l("new")
    CHANGED = "changed", _l("changed")
    SAME = "same", _l("as it is")
    KNOWN = "known", _l("known already")
    REMOVED = "removed", _l("removed")
    ORDINARY = "ordinary", _l("not in the notice: an ordinary day")
    OWN = "own", _l("kept: entered by this centre")
    WRONG = "wrong", _l("cannot be read")

    @property
    def colour(self) -> str:
        return {"new": "green", "changed": "orange", "removed": "orange", "ordinary": "orange", "wrong": "red"}.get(
            self.value, "secondary"
        )


@dataclass(frozen=True)
class DayLine:
    """A line of the file, or a day the import touches by itself (``line`` 0)."""

    line: int
    day: date | None = None
    working: bool = False
    title: str = ""
    opens: time | None = None
    closes: time | None = None
    closed: bool = False
    fate: Fate = Fate.NEW
    problem: str = ""
    notice: bool = False

    def values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in (*COLUMNS[1:], "notice")}


def read_days(data: bytes, name: str) -> list[DayLine]:
    """The lines of a file; what cannot be read carries its ``problem``.

    Raises:
        InvalidValue: the file is of no known kind, too large, or has no column with the day.
    """
    if len(data) > MOST_BYTES:
        raise InvalidValue(_l("The file is larger than a calendar of days can be."))
    rows = list(_rows(data, name))
    if not rows:
        raise InvalidValue(_l("The file names no days."))
    if len(rows) > MOST_LINES:
        raise InvalidValue(_l("The file has more than %(count)s lines.", count=MOST_LINES))
    lines: list[DayLine] = []
    seen: dict[date, int] = {}
    for number, row in rows:
        line = _line(number, row)
        if line.day in seen and line.day is not None:
            line = replace(line, problem=_("The day stands in line %(line)s already.", line=seen[line.day]))
        elif line.day:
            seen[line.day] = number
        lines.append(replace(line, fate=Fate.WRONG) if line.problem else line)
    return lines


def _rows(data: bytes, name: str) -> Iterable[tuple[int, dict[str, Any]]]:
    """Line number and values by column."""
    if data[:4] == b"PK\x03\x04":
        sheets = [sheet for sheet in read_workbook(data) if sheet.rows]
        return _table(sheets[0].rows) if sheets else []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", errors="replace")
    if text.lstrip()[:1] in ("{", "["):
        return _json_rows(text)
    try:
        table = [(n, tuple(row)) for n, row in enumerate(csv.reader(io.StringIO(text)), 1) if any(map(str.strip, row))]
    except csv.Error:
        raise InvalidValue(_l("%(name)s cannot be read as CSV, XLSX or JSON.", name=name)) from None
    return _table(table)


def _json_rows(text: str) -> Iterable[tuple[int, dict[str, Any]]]:
    try:
        content = json.loads(text)
    except ValueError:
        raise InvalidValue(_l("The file is no valid JSON.")) from None
    days = content.get("days") if isinstance(content, dict) else content
    if not isinstance(days, list) or not all(isinstance(entry, dict) for entry in days):
        raise InvalidValue(_l("The JSON file has no list “days” of days."))
    heads = _heads()
    return [(n, {heads.get(str(k).lower(), ""): v for k, v in entry.items()}) for n, entry in enumerate(days, 1)]


def _table(rows: Sequence[tuple[int, Sequence[Any]]]) -> Iterable[tuple[int, dict[str, Any]]]:
    """Lines under the first one, which names the columns."""
    if not rows:
        return []
    heads = _heads()
    columns = [heads.get(str(head or "").strip().lower(), "") for head in rows[0][1]]
    if "day" not in columns or not {"working", "off"} & set(columns):
        raise InvalidValue(_l("The first line must name the columns: a day and whether it is a working day."))
    return [(number, dict(zip(columns, values, strict=False))) for number, values in rows[1:]]


def _heads() -> dict[str, str]:
    """Column names as files write them: ours, their labels in both languages, and usual ones."""
    heads = dict(ALIASES)
    for column in COLUMNS:
        label = CalendarDay.__table__.c[column].info["label"]
        heads[column] = column
        for language in ("zh", "en"):
            with force_locale(language):
                heads[str(label).lower()] = column
    return heads


def _line(number: int, row: Mapping[str, Any]) -> DayLine:
    try:
        off = _yes_no(row["off"]) if "off" in row else not _yes_no(row.get("working"))
        opens, closes = (_time(row.get(name)) for name in ("opens", "closes"))
        title = str(row.get("title") or "").strip()
        line = DayLine(number, _day(row.get("day")), not off, title, opens, closes, _yes_no(row.get("closed")))
    except InvalidValue as error:
        return DayLine(number, title=str(row.get("day") or "")[:40], problem=str(error))
    if len(title) > 100:
        return replace(line, title=title[:100], problem=_("The reason has more than 100 characters."))
    if (opens is None) != (closes is None) or (opens and closes and opens >= closes) or (opens and line.closed):
        return replace(line, problem=_("The opening hours of the day are not whole."))
    return line


def _day(value: Any) -> date:
    if isinstance(value, datetime | date):
        day = value.date() if isinstance(value, datetime) else value
    else:
        parts = re.fullmatch(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})\D?", halfwidth(str(value or "")).strip())
        try:
            day = date(*map(int, parts.groups())) if parts else date.min
        except ValueError:
            day = date.min
    if not 2000 <= day.year <= 2100:
        raise InvalidValue(_l("“%(text)s” is no day; write it as 2026-10-01.", text=str(value or "")[:40]))
    return day


def _time(value: Any) -> time | None:
    if isinstance(value, datetime | time) or value in (None, ""):
        return value.time() if isinstance(value, datetime) else value or None
    try:
        return time.fromisoformat(halfwidth(str(value)).strip().zfill(5)).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise InvalidValue(_l("“%(text)s” is no time; write it as 08:30.", text=str(value)[:40])) from None


def _yes_no(value: Any) -> bool:
    text = str("" if value is None else value).strip().lower()
    if text not in YES | NO:
        raise InvalidValue(_l("“%(text)s” is neither yes nor no.", text=text[:40]))
    return text in YES


def plan_days(session: Session, lines: Sequence[DayLine], *, notice_of_year: bool, estate_id: int) -> list[DayLine]:
    """What importing the lines does, day by day; changes nothing.

    A notice is the whole truth about its year, the one most of its days lie in: what was imported for that year
    before and is not named any more goes, and days that the library has and the notice has not become ordinary. Days
    the centre entered itself stay.
    """
    stored = {row.day: row for row in session.scalars(select(CalendarDay).where(CalendarDay.estate_id == estate_id))}
    good = [line for line in lines if line.day and not line.problem]
    year = Counter(line.day.year for line in good if line.day).most_common(1)[0][0] if good else 0
    planned = [line if line.problem else _planned(line, stored, year if notice_of_year else 0) for line in lines]
    if not notice_of_year or not good:
        return planned
    named = {line.day for line in good}
    planned += [
        DayLine(0, day, row.working, row.title, fate=Fate.REMOVED)
        for day, row in stored.items()
        if row.notice and day.year == year and day not in named and not _ordinary_needed(day)
    ]
    planned += [
        DayLine(0, day, day.weekday() < 5, fate=Fate.ORDINARY, notice=True)
        for day in _days_in(year)
        if day not in named and day not in stored and _ordinary_needed(day)
    ]
    return planned


def _planned(line: DayLine, stored: Mapping[date, CalendarDay], notice_year: int) -> DayLine:
    assert line.day is not None
    day, row = line.day, stored.get(line.day)
    line = replace(line, notice=day.year == notice_year)
    if row is None:
        known = notice_year and notice(day.year)[2] and by_library(day) == line.working
        return replace(line, fate=Fate.KNOWN if known else Fate.NEW)
    if notice_year and not row.notice:
        return replace(line, fate=Fate.OWN)
    same = all(getattr(row, name) == value for name, value in line.values().items())
    return replace(line, fate=Fate.SAME if same else Fate.CHANGED)


def _ordinary_needed(day: date) -> bool:
    """Whether the library makes something else of a day than its day of the week."""
    return notice(day.year)[2] and by_library(day) != (day.weekday() < 5)


def _days_in(year: int) -> Iterable[date]:
    return (date(year, 1, 1) + DAY * n for n in range(366) if (date(year, 1, 1) + DAY * n).year == year)


def import_days(session: Session, lines: Sequence[DayLine], *, notice_of_year: bool, actor: Actor) -> int:
    """Carry the plan out in the actor's estate; returns how many days changed.

    Raises:
        InvalidValue: a line cannot be read; nothing is imported.
    """
    for verb in ("create", "update", "delete"):
        actor.require(verb, "CalendarDay")
    estate_id = actor.required_estate_id
    if any(line.problem for line in lines):
        raise InvalidValue(_l("Lines of the file cannot be read; correct them and choose the file again."))
    planned = plan_days(session, lines, notice_of_year=notice_of_year, estate_id=estate_id)
    days = [line.day for line in planned if line.fate in (Fate.CHANGED, Fate.REMOVED)]
    stored = {
        row.day: row
        for row in session.scalars(
            select(CalendarDay).where(CalendarDay.estate_id == estate_id, CalendarDay.day.in_(days))
        )
    }
    changed = 0
    for line in planned:
        match line.fate:
            case Fate.NEW | Fate.ORDINARY:
                session.add(CalendarDay(day=line.day, **line.values()))
            case Fate.CHANGED if line.day:
                for name, value in line.values().items():
                    setattr(stored[line.day], name, value)
            case Fate.REMOVED if line.day:
                session.delete(stored[line.day])
            case _:
                continue
        changed += 1
    session.flush()
    return changed


def stored_days(session: Session, estate_id: int, year: int) -> Sequence[CalendarDay]:
    """What the estate entered or imported for a year."""
    return session.scalars(
        select(CalendarDay).where(
            CalendarDay.estate_id == estate_id, CalendarDay.day.between(date(year, 1, 1), date(year, 12, 31))
        )
    ).all()


def days_of(session: Session, calendar: WorkingCalendar, estate_id: int, year: int) -> list[DayLine]:
    """The days of a year that differ from an ordinary week, or are named: holidays, make-up days, corrections."""
    stored = {row.day: row for row in stored_days(session, estate_id, year)}
    found = []
    for number, day in enumerate(_days_in(year), 1):
        row, working = stored.get(day), calendar.is_working(day)
        if row or working != (day.weekday() < 5) or calendar.title(day):
            opens, closes, closed = (row.opens, row.closes, row.closed) if row else (None, None, False)
            found.append(DayLine(number, day, working, calendar.title(day), opens, closes, closed))
    return found


def as_json(lines: Iterable[DayLine]) -> str:
    """Lines as the JSON that :func:`read_days` reads; the opening hours of a day only where there are any."""
    days = []
    for line in lines:
        if line.day is None:
            continue
        entry: dict[str, Any] = {"name": line.title, "date": line.day.isoformat(), "isOffDay": not line.working}
        if line.opens and line.closes:
            entry |= {"opens": f"{line.opens:%H:%M}", "closes": f"{line.closes:%H:%M}"}
        days.append(entry | {"closed": True} if line.closed else entry)
    return json.dumps({"days": days}, ensure_ascii=False, indent=1)
