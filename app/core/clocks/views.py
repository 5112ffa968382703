"""Settings of time: clock rules with their escalations, the working calendar, the opening hours."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from flask import Response, flash, redirect, request, send_file, url_for
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse

from app.core.access.actor import Actor, NotAllowed, current_actor
from app.core.access.roles import TITLES
from app.core.clocks.calendar import DAY, WorkingCalendar, calendar_of
from app.core.clocks.imports import (
    COLUMNS,
    DayLine,
    Fate,
    as_json,
    days_of,
    import_days,
    plan_days,
    read_days,
    stored_days,
)
from app.core.clocks.models import WEEKDAYS, CalendarDay, ClockRule, ClockUnit, Escalation, Shift
from app.core.clocks.recount import recount, recountable
from app.core.clocks.rules import due_at
from app.core.clocks.upkeep import (
    checked_rule,
    hours_of,
    remove_escalation,
    save_escalation,
    save_hours,
    save_rule,
)
from app.core.clocks.words import limit_text
from app.core.exports.tables import CSV, XLSX, write_csv, write_xlsx
from app.core.jobs.models import Job
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.extensions import db
from app.fab.interface import RecordInterface
from app.fab.submit import carry_out
from app.fab.views import Page, RecordView, expose, requires

FEW = 100
"""Clocks are counted for the page up to here; beyond it says “100+”."""
PERIODS = 2
"""Periods in which a counter opens on one day."""
YEARS = range(2010, 2101)


def _recounted(done: Job | int | None) -> str:
    """Say what came of counting anew."""
    if isinstance(done, Job):
        return _("Counting the running clocks anew goes on in the background.")
    return ngettext("%(num)s running clock has a new limit.", "%(num)s running clocks have a new limit.", done or 0)


def _example(rule: ClockRule) -> str:
    """What the rule means for something that starts today at 10:00."""
    calendar = calendar_of(db.session, current_actor().required_estate_id)
    start = calendar.moment(calendar.local(now()).date(), time(10))
    limit = limit_text(due_at(rule, rule.amount, start, calendar), calendar.zone)
    return _("Started today at 10:00 → due %(limit)s", limit=limit)


class ClockRuleView(RecordView):
    datamodel = RecordInterface(ClockRule)
    resource = "ClockRule"
    route_base = "/settings/clocks"
    list_title = _l("Clock rules")
    show_title = _l("Clock rule")
    edit_title = _l("Change the clock rule")
    intro = _l("How long things may take, and who is told when a limit has passed. The rules come with the modules.")
    list_columns = ("title", "words", "shift", "pausable", "clause")
    search_columns = ("title_zh", "title_en", "unit", "clause")
    order_columns = ("key", "unit", "clause")
    base_order = ("key", "asc")
    label_columns = {"title": _l("Name of the rule"), "words": _l("Limit")}
    show_fieldsets = (
        ("", ("words", "shift", "pausable")),
        (_l("Name of the rule"), ("title_zh", "title_en", "key", "clause")),
    )
    edit_columns = (
        "title_zh",
        "title_en",
        "unit",
        "amount",
        "weekday",
        "day",
        "months",
        "due_time",
        "shift",
        "pausable",
    )
    form_fieldsets = (
        (_l("Limit"), ("unit", "amount", "weekday", "day", "months", "due_time", "shift", "pausable")),
        (_l("Name of the rule"), ("title_zh", "title_en")),
    )
    form_template = "clocks/rule_form.html"
    show_template = "clocks/rule.html"

    def update(self, record: ClockRule, values: dict[str, Any], *, actor: Actor) -> None:
        save_rule(db.session, record, values, actor=actor)
        count = recountable(db.session, record.estate_id, record.key, FEW + 1)
        if count:
            flash(
                _(
                    "%(count)s running clocks keep their limits until you have them counted anew, below.",
                    count=_few(count),
                ),
                "info",
            )

    def sections(self, record: ClockRule, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        count = recountable(db.session, record.estate_id, record.key, FEW + 1)
        escalations = {"rule": record, "roles": TITLES, "editable": actor.may("update", "ClockRule")}
        return [
            (_("Example"), "clocks/_example.html", {"sentence": _example(record)}),
            (_("Who is told when the limit has passed"), "clocks/_escalations.html", escalations),
            (_("Running clocks"), "clocks/_running.html", {"rule": record, "count": count, "few": _few(count)}),
        ]

    @expose("/<int:pk>/example")
    @requires("read")
    def example(self, pk: int) -> str:
        """The example sentence for the values in the form, as a fragment of it."""
        record = self.record_or_404(pk)
        form = self.edit_form(request.args, obj=record)
        names = ("unit", "amount", "weekday", "day", "months", "due_time", "shift")
        try:
            if not all(form[name].validate(form) for name in names):
                return self.render("clocks/_example.html", part={"sentence": ""})
            values = checked_rule({name: form[name].data for name in names})
        except FieldErrors as error:
            sentence = " ".join(str(s) for s in error.errors.values())
            return self.render("clocks/_example.html", part={"problem": sentence})
        made = ClockRule(**values | {"unit": ClockUnit(values["unit"]), "shift": Shift(values["shift"])})
        return self.render("clocks/_example.html", part={"sentence": _example(made)})

    @expose("/<int:pk>/escalations", methods=["POST"])
    @requires("update")
    def add_escalation(self, pk: int) -> AnyResponse:
        return self._escalate(pk, None)

    @expose("/<int:pk>/escalations/<int:step_id>", methods=["POST"])
    @requires("update")
    def change_escalation(self, pk: int, step_id: int) -> AnyResponse:
        return self._escalate(pk, step_id)

    @expose("/<int:pk>/escalations/<int:step_id>/delete", methods=["POST"])
    @requires("update")
    def drop_escalation(self, pk: int, step_id: int) -> AnyResponse:
        rule, actor = self.record_or_404(pk), current_actor()
        step = self._step(rule, step_id)
        return self.command(
            lambda: remove_escalation(db.session, rule, step, actor=actor),
            done=_("Removed."), then=url_for(".show", pk=pk),
        )  # fmt: skip

    def _escalate(self, pk: int, step_id: int | None) -> AnyResponse:
        rule, actor = self.record_or_404(pk), current_actor()
        step = self._step(rule, step_id) if step_id is not None else None
        hours, role = request.form.get("after_hours", ""), request.form.get("role", "")
        return self.command(
            lambda: save_escalation(db.session, rule, step, after_hours=hours, role=role, actor=actor),
            done=_("Saved."), then=url_for(".show", pk=pk), record=step,
        )  # fmt: skip

    def _step(self, rule: ClockRule, step_id: int) -> Escalation:
        step = next((s for s in rule.escalations if s.id == step_id), None)
        if step is None:
            raise NotAllowed(f"escalation {step_id}")
        return step

    @expose("/<int:pk>/recount", methods=["POST"])
    @requires("update")
    def recount(self, pk: int) -> AnyResponse:
        """Set the limits of the rule's running clocks anew."""
        rule = self.record_or_404(pk)
        return _count_anew(rule.key, url_for(".show", pk=pk))


def _few(count: int) -> str:
    return f"{FEW}+" if count > FEW else str(count)


def _count_anew(rule_key: str, then: str) -> AnyResponse:
    """The POST command behind “count anew”; a job leads to its page."""
    outcome = carry_out(
        lambda: recount(db.session, rule_key, actor=current_actor()),
        lambda done: url_for("JobPage.show", pk=done.id) if isinstance(done, Job) else then,
    )
    if outcome.done:
        flash(_recounted(outcome.result), "success")
        return redirect(outcome.location)
    flash(_("Somebody else changed a clock at the same moment; please try again."), "warning")
    return redirect(then)


@dataclass(frozen=True)
class DayCell:
    """A day of the year at a glance. ``mark``: the letter told beside the number; ``said``: what it stands for."""

    day: date
    working: bool
    mark: str
    said: str
    title: str
    row: CalendarDay | None
    today: bool


class CalendarPage(Page):
    """The year at a glance, its export, and the import of a year's notice."""

    route_base = "/settings/calendar"
    resource = "CalendarDay"

    @expose("/")
    @requires("read")
    def index(self) -> str:
        session, estate_id = db.session, current_actor().required_estate_id
        today = estate_today(session, estate_id)
        asked = request.args.get("year", "")
        year = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) == 4 else today.year
        year = min(max(year, YEARS.start), YEARS.stop - 1)
        calendar = calendar_of(session, estate_id)
        rows = {row.day: row for row in stored_days(session, estate_id, year)}
        count = recountable(session, estate_id, most=FEW + 1)
        return self.render(
            "clocks/calendar.html", title=_("Working calendar %(year)s", year=year), year=year, years=YEARS,
            months=_months(calendar, rows, year, today), weekdays=_weekday_letters(), periods=_periods(calendar, year),
            published=calendar.published(year), imported=any(row.notice for row in rows.values()),
            working_days=sum(calendar.is_working(day) for day in _days(year)), count=count, few=_few(count),
        )  # fmt: skip

    @expose("/export.<any(xlsx, csv, json):form>")
    @requires("read")
    def export(self, form: str) -> Response:
        """The year's holidays, make-up days and corrections, as the import reads them."""
        asked = request.args.get("year", "")
        year = int(asked) if asked.isascii() and asked.isdecimal() and int(asked[:5]) in YEARS else 0
        if not year:
            raise NotAllowed("calendar of no year")
        session, estate_id = db.session, current_actor().required_estate_id
        lines = days_of(session, calendar_of(session, estate_id), estate_id, year)
        file = io.BytesIO()
        heads = [str(CalendarDay.__table__.c[name].info["label"]) for name in COLUMNS]
        rows = [_exported(line) for line in lines]
        if form == "json":
            file.write(as_json(lines).encode())
        elif form == "csv":
            write_csv(file, heads, rows)
        else:
            write_xlsx(file, str(year), heads, rows)
        file.seek(0)
        kind = {"json": "application/json", "csv": CSV, "xlsx": XLSX}[form]
        return send_file(
            file, mimetype=kind, as_attachment=True, download_name=f"{_('Working calendar')} {year}.{form}"
        )

    @expose("/import", methods=["GET", "POST"])
    @requires("create")
    def upload(self) -> str | tuple[str, int]:
        """Choose a file; posted, its dry run."""
        if request.method == "GET":
            return self._import()
        file = request.files.get("file")
        data, name = (file.stream.read(), file.filename or "") if file else (b"", "")
        whole = request.form.get("whole") == "yes"
        try:
            if not data:
                raise InvalidValue(_("Choose a file."))
            lines = read_days(data, name)
        except InvalidValue as error:
            return self._import(refused=str(error), whole=whole), 422
        return self._import(lines, name, whole)

    @expose("/import/carry-out", methods=["POST"])
    @requires("create")
    def carry_out(self) -> AnyResponse | tuple[str, int]:
        """Import the days of the dry run that was shown."""
        whole, actor = request.form.get("whole") == "yes", current_actor()
        data = request.form.get("days", "").encode()
        try:
            lines = read_days(data, "days.json")
        except InvalidValue as error:
            return self._import(refused=str(error), whole=whole), 422
        year = next((line.day.year for line in lines if line.day), now().year)
        outcome = carry_out(
            lambda: import_days(db.session, lines, notice_of_year=whole, actor=actor),
            lambda _done: url_for(".index", year=year),
        )
        if not outcome.done:
            sentences = [s for found in outcome.errors.values() for s in found]
            return self._import(lines, "", whole, refused=" ".join(sentences)), 422
        flash(ngettext("%(num)s day was changed.", "%(num)s days were changed.", outcome.result or 0), "success")
        return redirect(outcome.location)

    def _import(self, lines: Sequence[DayLine] = (), name: str = "", whole: bool = True, refused: str = "") -> str:
        planned = plan_days(db.session, lines, notice_of_year=whole, estate_id=current_actor().required_estate_id)
        return self.render(
            "clocks/import.html", title=_("Import days of the calendar"), lines=planned, name=name, whole=whole,
            refused=refused, wrong=[line for line in planned if line.problem], days=as_json(lines),
            fates=[(fate, n) for fate in Fate if (n := sum(line.fate == fate for line in planned))],
            changes=sum(line.fate in (Fate.NEW, Fate.CHANGED, Fate.REMOVED, Fate.ORDINARY) for line in planned),
        )  # fmt: skip

    @expose("/recount", methods=["POST"])
    @requires("update")
    def recount(self) -> AnyResponse:
        """Set the limits of all running clocks anew."""
        return _count_anew("", url_for(".index"))


def _days(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + DAY * n for n in range((date(year + 1, 1, 1) - first).days)]


def _months(
    calendar: WorkingCalendar, rows: dict[date, CalendarDay], year: int, today: date
) -> list[tuple[str, list[list[DayCell | None]]]]:
    """Name and weeks of every month; days of other months are None."""
    locale: Any = get_locale()
    found = []
    for number, name in locale.months["stand-alone"]["wide"].items():
        days = [day for day in _days(year) if day.month == number]
        cells: list[DayCell | None] = [None] * days[0].weekday()
        cells += [_cell(calendar, rows.get(day), day, today) for day in days]
        cells += [None] * (-len(cells) % 7)
        found.append((name, [cells[n : n + 7] for n in range(0, len(cells), 7)]))
    return found


def _cell(calendar: WorkingCalendar, row: CalendarDay | None, day: date, today: date) -> DayCell:
    working, title = calendar.is_working(day), calendar.title(day)
    if calendar.make_up(day):
        mark, said = _("W"), _("working day")
    elif not working and (day.weekday() < 5 or title):
        mark, said = _("H"), _("day off")
    else:
        mark, said = "", ""
    said = " ".join(filter(None, [said, title, _("corrected") if row and not row.notice else ""]))
    return DayCell(day, working, mark, said, title, row, day == today)


def _weekday_letters() -> list[tuple[str, str]]:
    """Short and full names of the days of the week, Monday first."""
    locale: Any = get_locale()
    short = locale.days["stand-alone"]["narrow" if locale.language == "zh" else "abbreviated"]
    return [(short[n][:2], str(WEEKDAYS[n])) for n in range(7)]


@dataclass(frozen=True)
class Period:
    """Days off on end, weekends that touch them included, or one make-up day (``worked``)."""

    title: str
    first: date
    last: date
    worked: bool


def _periods(calendar: WorkingCalendar, year: int) -> list[Period]:
    """The holidays and make-up days of a year in order; a holiday is called what most of its days are called."""
    found: list[Period] = []
    days = iter(_days(year))
    for day in days:
        if calendar.make_up(day):
            found.append(Period(calendar.title(day), day, day, True))
        elif not calendar.is_working(day) and (day.weekday() < 5 or calendar.title(day)):
            first, last = _stretch(calendar, day, -1), _stretch(calendar, day, 1)
            off = [first + DAY * n for n in range((last - first).days + 1)]
            names = Counter(title for d in off if (title := calendar.title(d))).most_common(1)
            found.append(Period(names[0][0] if names else "", first, last, False))
            while day < last and day.year == year:
                day = next(days, last)
    return found


def _stretch(calendar: WorkingCalendar, day: date, step: int) -> date:
    """The end of the days off around ``day``."""
    while not calendar.is_working(day + DAY * step):
        day += DAY * step
    return day


def _exported(line: DayLine) -> list[Any]:
    times = {"opens": line.opens, "closes": line.closes}
    return [
        (f"{times[name]:%H:%M}" if times[name] else None)
        if name in times
        else _said(getattr(line, name))
        if isinstance(getattr(line, name), bool)
        else getattr(line, name)
        for name in COLUMNS
    ]


def _said(value: bool) -> str:
    return _("Yes") if value else _("No")


class CalendarDayView(RecordView):
    datamodel = RecordInterface(CalendarDay)
    resource = "CalendarDay"
    route_base = "/settings/calendar/days"
    list_title = _l("Corrected days")
    show_title = _l("Day")
    add_title = _l("Correct a day")
    edit_title = _l("Change the day")
    intro = _l(
        "Days on which this centre's calendar differs from the holidays of the State Council as the program knows them."
    )
    empty_hint = _l("The calendar follows the State Council's notices alone.")
    list_columns = ("day", "working", "title", "notice", "opens", "closes", "closed")
    search_columns = ("day", "working", "title", "notice")
    base_order = ("day", "desc")
    show_columns = ("day", "working", "title", "notice", "opens", "closes", "closed")
    add_columns = ("day", "working", "title", "opens", "closes", "closed")
    edit_columns = ("working", "title", "opens", "closes", "closed")
    show_template = "clocks/day.html"
    constraint_messages = {
        "uq_calendar_day_estate_id_day": ("day", _l("This day is corrected already; change that entry.")),
        "hours_are_whole": ("closes", _l("Write both when the counter opens and when it closes, or neither.")),
        "opens_before_closing": ("closes", _l("The counter closes after it opens.")),
        "closed_has_no_hours": ("closed", _l("A closed counter has no opening hours.")),
    }


class OpeningHoursPage(Page):
    """When the counter is open, day of the week by day of the week."""

    route_base = "/settings/opening-hours"
    resource = "OpeningHours"

    @expose("/", methods=["GET"])
    @requires("read")
    def index(self) -> str:
        week = hours_of(db.session, current_actor().required_estate_id)
        typed = {f"{kind}-{weekday}-{n}": f"{getattr(row, kind):%H:%M}" for weekday, rows in week.items()
                 for n, row in enumerate(rows) for kind in ("opens", "closes")}  # fmt: skip
        return self._drawn(typed)

    @expose("/", methods=["POST"])
    @requires("update")
    def save(self) -> AnyResponse | tuple[str, int]:
        actor = current_actor()
        if request.form.get("seen") != self._seen():
            flash(_("Somebody else changed the opening hours meanwhile; look at them again."), "warning")
            return redirect(url_for(".index"))
        outcome = carry_out(lambda: save_hours(db.session, _typed_hours(), actor=actor), lambda _r: url_for(".index"))
        if not outcome.done:
            return self._drawn(request.form, [s for found in outcome.errors.values() for s in found]), 422
        flash(_("Saved."), "success")
        return redirect(outcome.location)

    def _drawn(self, typed: Any, general: Sequence[str] = ()) -> str:
        used = max((n for n in range(8) for d in WEEKDAYS if f"opens-{d}-{n}" in typed), default=0) + 1
        return self.render(
            "clocks/hours.html", title=_("Opening hours"), weekdays=WEEKDAYS, periods=range(max(PERIODS, used)),
            typed=typed, general=general, seen=self._seen(), editable=current_actor().may("update", self.resource),
        )  # fmt: skip

    def _seen(self) -> str:
        """Fingerprint of the hours as they are stored."""
        week = hours_of(db.session, current_actor().required_estate_id)
        text = repr([(d, row.opens, row.closes) for d, rows in week.items() for row in rows])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _typed_hours() -> dict[int, list[tuple[time, time]]]:
    week: dict[int, list[tuple[time, time]]] = {weekday: [] for weekday in WEEKDAYS}
    for weekday, n in ((d, n) for d in WEEKDAYS for n in range(8)):
        opens, closes = (request.form.get(f"{kind}-{weekday}-{n}", "").strip() for kind in ("opens", "closes"))
        if not opens and not closes:
            continue
        try:
            begin, end = (datetime.strptime(text, "%H:%M").time() for text in (opens, closes))  # noqa: DTZ007  (a time of day has no zone)
        except ValueError:
            raise InvalidValue(_("%(day)s: write both times as 08:30.", day=WEEKDAYS[weekday])) from None
        week[weekday].append((begin, end))
    return week
