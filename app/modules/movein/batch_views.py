"""Concentrated move-in on the screen: planning a batch, its board, the desks and the counter display (MI-03)."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import segno
import sqlalchemy as sa
from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.wrappers import Response
from wtforms.validators import InputRequired

from app.core.access.actor import Actor, NotAllowed, acting, current_actor, system_actor
from app.core.jobs.services import enqueue
from app.core.papers.models import LANGUAGES
from app.core.papers.titles import in_both
from app.core.records.clock import estate_today
from app.core.records.estate import Estate
from app.core.registry import Registry
from app.extensions import db
from app.fab.fields import ChoiceField, DayField, RecordForm, TextField, TimeField, WholeField, estate_zone
from app.fab.filters import LARGEST
from app.fab.interface import RecordInterface
from app.fab.scope import asked_by_itself, public
from app.fab.submit import carry_out, spread
from app.fab.views import Page, RecordView, expose, link_to_show, requires
from app.modules.estates.models import Building, Entrance, Unit
from app.modules.movein import batch_queue as queue
from app.modules.movein import batches
from app.modules.movein.batch_board import NOT_BEGUN, board
from app.modules.movein.batch_jobs import CASES, PACKS, register_jobs
from app.modules.movein.batch_models import (
    COUNTERS,
    BatchMember,
    BatchSlot,
    BatchState,
    BatchUnit,
    MoveInBatch,
    Post,
    QueueTicket,
)  # fmt: skip
from app.modules.movein.batches import BATCH
from app.modules.movein.models import MoveInCase
from app.modules.movein.services import colleagues
from app.modules.movein.states import STEPS, CaseState

ORDER = (
    NOT_BEGUN,
    *(state.value for state in (*STEPS, CaseState.REFUSED, CaseState.COMPLETED, CaseState.WITHDRAWN)),
)
SEEN = "not-yet"
"""Stands for the digest of what a page shows, until it is known."""
UNCHANGED = ("", 204)
"""Answer to a page that asks for itself anew and shows already what there is: it keeps its focus and what is typed."""
FOUND = 12
"""Units that the search of the reception lists."""


def register_batches(registry: Registry) -> None:
    """Screens, workflow and background work of concentrated move-ins."""
    registry.workflow(BATCH)
    registry.view(MoveInBatchView, label=_l("Concentrated move-in"), category=_l("Move-in"), icon="users")
    registry.view(BatchBoardPage)
    registry.view(BatchDeskPage)
    registry.view(NowServingPage)
    registry.page("movein_batch", lambda number: url_for("MoveInBatchView.show", pk=number))
    for part in ("movein_batch_member", "movein_batch_unit", "movein_slot", "movein_ticket"):
        registry.guard(part, "MoveInBatch")
    register_jobs(registry)


class MemberForm(RecordForm):
    """A colleague and their post."""

    account_id = ChoiceField(
        _l("Colleague"), validators=[InputRequired()],
        values=lambda: [(a.id, a.display_name) for a in colleagues(db.session, current_actor().estate_id or 0)],
    )  # fmt: skip
    post = ChoiceField(_l("Post"), values=lambda: [(p, p.title) for p in Post], validators=[InputRequired()])


class UnitsForm(RecordForm):
    """Units by building, entrance and floors, or by their codes."""

    building_id = ChoiceField(_l("Building"), values=lambda: _places(Building))
    entrance_id = ChoiceField(_l("Entrance"), values=lambda: _places(Entrance))
    floor_from = WholeField(_l("Floors from"))
    floor_to = WholeField(_l("Floors to"))
    codes = TextField(
        _l("Or unit codes"), empty="", rows=2, length=20_000,
        description=_l("One a line or separated by commas, such as 1-1-101, 2栋1单元302."),
    )  # fmt: skip


class SlotsForm(RecordForm):
    """Appointments of one or several days."""

    day_from = DayField(_l("From day"), validators=[InputRequired()])
    day_to = DayField(_l("To day"))
    begins_at = TimeField(_l("From"), validators=[InputRequired()])
    ends_at = TimeField(_l("To"), validators=[InputRequired()])
    minutes = WholeField(_l("Minutes each"), description=_l("Empty: one appointment for the whole time."))
    capacity = WholeField(_l("Units at a time"), validators=[InputRequired()])


def _places(model: Any) -> list[tuple[int, str]]:
    found = db.session.scalars(sa.select(model).where(model.estate_id == current_actor().estate_id))
    return sorted(((place.id, str(place)) for place in found), key=lambda pair: _natural(pair[1]))


def _natural(text: str) -> tuple[int, str]:
    head = text.split("-")[0]
    return (int(head) if head.isdecimal() else 10_000, text.rjust(20))


FORMS: dict[str, type[RecordForm]] = {"member": MemberForm, "units": UnitsForm, "slots": SlotsForm}


class MoveInBatchView(RecordView):
    datamodel = RecordInterface(MoveInBatch)
    resource = "MoveInBatch"
    route_base = "/move-in-batches"
    list_title = _l("Concentrated move-ins")
    show_title = _l("Move-in batch")
    add_title = _l("New move-in batch")
    edit_title = _l("Edit move-in batch")
    intro = _l("A task force receives the owners of many units within a period (MI-03).")
    empty_hint = _l("Plan the first batch: its period, units, task force and appointments.")
    list_columns = ("title", "state", "starts_on", "ends_on", "place")
    search_columns = ("title", "state", "starts_on", "ends_on", "place")
    base_order = ("starts_on", "desc")
    list_cell = {"title": link_to_show(lambda batch: batch.title)}
    show_fieldsets = (("", ("starts_on", "ends_on", "place", "opened_at", "closed_at", "note")),)
    show_empty = False
    add_columns = edit_columns = ("title", "starts_on", "ends_on", "place", "note")
    workflow = BATCH
    milestones = ("transition", "comment", "file", "print")
    show_template = "movein/batch.html"

    def scope(self) -> list[Any]:
        return _within_reach(current_actor())

    def editable(self, record: MoveInBatch | None, actor: Actor) -> set[str]:
        return super().editable(record, actor) if record is None or record.state != BatchState.CLOSED else set()

    def create(self, values: dict[str, Any], *, actor: Actor) -> MoveInBatch:
        return batches.save_batch(db.session, None, values, actor=actor)

    def update(self, record: MoveInBatch, values: dict[str, Any], *, actor: Actor) -> None:
        batches.save_batch(db.session, record, values, actor=actor)

    def _page_of(self, record: MoveInBatch, **more: Any) -> str:
        session = db.session
        page = max(1, _number(request.args.get("page", "")) or 1)
        shown = batches.lines_of(record).options(sa.orm.joinedload(BatchUnit.case))
        lines = session.scalars(shown.offset((page - 1) * 50).limit(50)).all()
        units = session.scalar(sa.select(sa.func.count(BatchUnit.id)).where(BatchUnit.batch_id == record.id)) or 0
        given: dict[str, RecordForm] = more.pop("given", {})
        planning = record.state != BatchState.CLOSED and current_actor().may("plan", "MoveInBatch")
        first = {
            "slots": {"day_from": record.starts_on, "day_to": record.ends_on, "minutes": 60, "capacity": 4},
            "member": {}, "units": {},
        }  # fmt: skip
        drawn = (
            {name: given.get(name) or form(None, data=first[name]) for name, form in FORMS.items()} if planning else {}
        )
        buildings = sorted(((b.id, str(b)) for b in self._buildings(record)), key=lambda b: _natural(b[1]))
        return super()._page_of(
            record, lines=lines, units=units, page=page, pages=(units + 49) // 50, planning=planning,
            taken=batches.places_taken(session, record), forms=drawn, given=given, buildings=buildings,
            ownerless=batches.without_owner(session, record), display=url_for("NowServingPage.show", key=record.display_key), **more,
        )  # fmt: skip

    def _buildings(self, batch: MoveInBatch) -> Any:
        mine = (
            sa.select(Unit.building_id)
            .join(BatchUnit, BatchUnit.unit_id == Unit.id)
            .where(BatchUnit.batch_id == batch.id)
        )
        return db.session.scalars(sa.select(Building).where(Building.id.in_(mine)))

    def _plan(self, pk: int, name: str, work: Any) -> Response | tuple[str, int]:
        """Read one of :data:`FORMS`, carry out ``work(batch, values)`` and say what it returns."""
        batch = self.record_or_404(pk)
        form = FORMS[name](request.form)
        general: list[str] = []
        if form.validate():
            outcome = carry_out(
                lambda: work(batch, form.values()), lambda _r: self.address_of(batch) + f"#{name}",
                self.constraint_messages,
            )  # fmt: skip
            if outcome.done:
                for category, sentence in outcome.result or [("success", _("Saved."))]:
                    flash(sentence, category)
                return redirect(outcome.location)
            general = spread(form, outcome)
            batch = self.record_or_404(pk)
        return self._page_of(batch, given={name: form}, general=general), 422

    @expose("/<int:pk>/members", methods=["POST"])
    @requires("plan")
    def add_member(self, pk: int) -> Any:
        def work(batch: MoveInBatch, values: dict[str, Any]) -> None:
            batches.add_member(db.session, batch, **values, actor=current_actor())

        return self._plan(pk, "member", work)

    @expose("/<int:pk>/members/<int:number>/remove", methods=["POST"])
    @requires("plan")
    def remove_member(self, pk: int, number: int) -> Any:
        member = _part(BatchMember, self.record_or_404(pk), number)
        return self.command(
            lambda: batches.remove_member(db.session, member, actor=current_actor()), done=_("Removed."),
            then=url_for(".show", pk=pk) + "#member",
        )  # fmt: skip

    @expose("/<int:pk>/units", methods=["POST"])
    @requires("plan")
    def add_units(self, pk: int) -> Any:
        def work(batch: MoveInBatch, values: dict[str, Any]) -> list[tuple[str, str]]:
            chosen = batches.add_units(db.session, batch, **values, actor=current_actor())
            said = [("success", ngettext("%(num)s unit was added.", "%(num)s units were added.", chosen.added))]
            if chosen.elsewhere:
                said.append(("warning", _("Units in another batch: %(units)s", units=batches.named(chosen.elsewhere))))
            return said

        return self._plan(pk, "units", work)

    @expose("/<int:pk>/units/<int:number>/remove", methods=["POST"])
    @requires("plan")
    def remove_unit(self, pk: int, number: int) -> Any:
        line = _part(BatchUnit, self.record_or_404(pk), number)
        return self.command(
            lambda: batches.remove_unit(db.session, line, actor=current_actor()), done=_("Removed."),
            then=url_for(".show", pk=pk) + "#units",
        )  # fmt: skip

    @expose("/<int:pk>/units/<int:number>/slot", methods=["POST"])
    @requires("plan")
    def set_slot(self, pk: int, number: int) -> Any:
        batch = self.record_or_404(pk)
        line, wanted = _part(BatchUnit, batch, number), _number(request.form.get("slot", ""))
        slot = _part(BatchSlot, batch, wanted) if wanted is not None else None
        return self.command(
            lambda: batches.set_slot(db.session, line, slot, actor=current_actor()),
            done=_("The appointment of %(unit)s is changed.", unit=line.unit.code),
            then=url_for(".show", pk=pk, page=request.args.get("page")) + "#units",
        )  # fmt: skip

    @expose("/<int:pk>/slots", methods=["POST"])
    @requires("plan")
    def add_slots(self, pk: int) -> Any:
        def work(batch: MoveInBatch, values: dict[str, Any]) -> list[tuple[str, str]]:
            count = batches.add_slots(db.session, batch, **values, actor=current_actor())
            said = ngettext("%(num)s appointment was added.", "%(num)s appointments were added.", count)
            return [("success", said)]

        return self._plan(pk, "slots", work)

    @expose("/<int:pk>/slots/<int:number>/remove", methods=["POST"])
    @requires("plan")
    def remove_slot(self, pk: int, number: int) -> Any:
        slot = _part(BatchSlot, self.record_or_404(pk), number)
        return self.command(
            lambda: batches.remove_slot(db.session, slot, actor=current_actor()), done=_("Removed."),
            then=url_for(".show", pk=pk) + "#slots",
        )  # fmt: skip

    @expose("/<int:pk>/assign", methods=["POST"])
    @requires("plan")
    def assign(self, pk: int) -> Any:
        batch = self.record_or_404(pk)

        def said(result: tuple[int, int]) -> Iterator[tuple[str, str]]:
            given, left = result
            yield (
                "success",
                ngettext("%(num)s unit has an appointment now.", "%(num)s units have an appointment now.", given),
            )
            if left:
                yield "warning", ngettext("%(num)s unit goes without: offer more appointments.",
                                          "%(num)s units go without: offer more appointments.", left)  # fmt: skip

        return self.command(
            lambda: batches.assign_slots(db.session, batch, actor=current_actor()), done=said,
            then=url_for(".show", pk=pk) + "#units",
        )  # fmt: skip

    @expose("/<int:pk>/cases", methods=["POST"])
    @requires("plan")
    def cases(self, pk: int) -> Any:
        batch, language = self.record_or_404(pk), _language()
        return self.command(
            lambda: enqueue(
                db.session, CASES, actor=current_actor(), batch=batch.id, notices="notices" in request.form,
                language=language,
            ),
            done=_("The work has begun; this page tells how far it is."), then=_job_page,
        )  # fmt: skip

    @expose("/<int:pk>/packs", methods=["POST"])
    @requires("plan")
    def packs(self, pk: int) -> Any:
        batch, wanted, language = self.record_or_404(pk), request.form.get("building", ""), _language()
        building = next((b for b in self._buildings(batch) if str(b.id) == wanted), None)
        name = f"{batch.title} {building}" if building else batch.title
        return self.command(
            lambda: enqueue(
                db.session, PACKS, actor=current_actor(), batch=batch.id, building=building.id if building else None,
                language=language, name=name,
            ),
            done=_("The work has begun; this page tells how far it is."), then=_job_page,
        )  # fmt: skip

    @expose("/<int:pk>/display", methods=["POST"])
    @requires("plan")
    def display(self, pk: int) -> Any:
        batch = self.record_or_404(pk)
        return self.command(
            lambda: batches.renew_display(db.session, batch, actor=current_actor()),
            done=_("The display has a new address."), then=url_for(".show", pk=pk),
        )  # fmt: skip


def _job_page(job: Any) -> str:
    return url_for("JobPage.show", pk=job.id) if job else url_for("JobPage.list")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _language() -> str:
    wanted = request.form.get("language", "both")
    return wanted if wanted in LANGUAGES else "both"


def _within_reach(actor: Actor) -> list[Any]:
    """Who has nothing to do with move-ins sees the batches of whose task force they are."""
    if actor.may("read", "MoveInCase"):
        return []
    return [MoveInBatch.id.in_(sa.select(BatchMember.batch_id).where(BatchMember.account_id == actor.user_id))]


def _part(model: Any, batch: MoveInBatch, number: int) -> Any:
    """A row of the batch. Raises NotAllowed for any other."""
    found = number <= LARGEST and db.session.scalar(
        sa.select(model).where(model.id == number, model.batch_id == batch.id)
    )
    if not found:
        raise NotAllowed(f"{model.__tablename__} {number}")
    return found


class _BatchPage(Page):
    """Pages of one batch, for those who see it in the list."""

    resource = "MoveInBatch"
    route_base = "/move-in-batches"

    def batch_or_404(self, pk: int) -> MoveInBatch:
        wanted = sa.select(MoveInBatch).where(MoveInBatch.id == pk, *_within_reach(current_actor()))
        found: MoveInBatch | None = db.session.scalar(wanted) if pk <= LARGEST else None
        if found is None:
            raise NotAllowed(f"batch {pk}")
        return found


class BatchBoardPage(_BatchPage):
    """The board of a batch, for the desk, the telephone and a screen on the wall."""

    @expose("/<int:pk>/board")
    @requires("read")
    def index(self, pk: int) -> str:
        """``house``, ``step``, ``text``, ``today`` filter; ``day`` says whose figures are shown."""
        batch = self.batch_or_404(pk)
        return self.render("movein/batch_board.html", title=batch.title, **self._values(batch))

    @expose("/<int:pk>/board/lines")
    @requires("read")
    @asked_by_itself
    def lines(self, pk: int) -> Any:
        """The part of the board that asks for itself anew; nothing when it would look as it does."""
        drawn = self.render("movein/_batch_board.html", **self._values(self.batch_or_404(pk)))
        look = _digest(drawn)
        return UNCHANGED if request.args.get("seen") == look else drawn.replace(SEEN, look, 1)

    def _values(self, batch: MoveInBatch) -> dict[str, Any]:
        filters = {name: request.args.get(name, "")[:60] for name in ("house", "step", "text", "today", "day")}
        filters["step"] = filters["step"] if filters["step"] in ORDER else ""
        day = _day(filters["day"]) or estate_today(db.session, batch.estate_id)
        found = board(
            db.session, batch, day=day, house=filters["house"], step=filters["step"], text=filters["text"],
            today=bool(filters["today"]),
        )  # fmt: skip
        titles = {state.value: state.title for state in CaseState} | {NOT_BEGUN: _("No move-in yet")}
        return {
            "batch": batch, "board": found, "filters": filters, "day": day, "titles": titles,
            "order": [step for step in ORDER if found.counts.get(step)], "steps": len(STEPS), "seen": SEEN,
            "clock": functools.partial(_clock, day),
        }  # fmt: skip


def _clock(day: date, moment: datetime) -> str:
    """The time of a moment, with its day unless that is ``day``."""
    local = moment.astimezone(estate_zone())
    return f"{local:%H:%M}" if local.date() == day else f"{local:%m-%d %H:%M}"


def _digest(*seen: object) -> str:
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


class BatchDeskPage(_BatchPage):
    """A desk of the task force: owners arrive, tickets are called to it."""

    @expose("/<int:pk>/desk")
    @requires("call")
    def index(self, pk: int) -> str:
        """``post`` and ``desk`` say which one it is, ``text`` looks for the unit of an owner who arrives; ``drawn`` is
        the ticket that was just given, whose slip is offered."""
        batch = self.batch_or_404(pk)
        number = _number(request.args.get("drawn", ""))
        drawn = _part(QueueTicket, batch, number) if number is not None else None
        return self.render(
            "movein/batch_desk.html", title=_("Counter desk"), drawn=drawn,
            before=queue.before(db.session, drawn) if drawn else 0, **self._values(batch), **self._found(batch),
        )  # fmt: skip

    @expose("/<int:pk>/desk/lines")
    @requires("call")
    @asked_by_itself
    def lines(self, pk: int) -> Any:
        """The line of the desk, which asks for itself anew."""
        values = self._values(self.batch_or_404(pk))
        if request.args.get("seen") == values["seen"]:
            return UNCHANGED
        return self.render("movein/_batch_line.html", **values)

    @expose("/<int:pk>/desk/call", methods=["POST"])
    @requires("call")
    def call(self, pk: int) -> Any:
        batch, (post, desk) = self.batch_or_404(pk), self._desk()
        here = self._here(pk)

        def work() -> None:
            queue.call_next(db.session, batch, post=post, desk=desk, actor=current_actor())

        messages = {"uq_movein_ticket_desk": _("Another ticket is being served at this desk.")}
        return self.command(work, done=_("Called."), then=here, messages=messages)

    @expose("/<int:pk>/desk/check-in/<int:number>", methods=["POST"])
    @requires("check_in")
    def check_in(self, pk: int, number: int) -> Any:
        batch = self.batch_or_404(pk)
        line = _part(BatchUnit, batch, number)
        return self.command(
            lambda: queue.check_in(db.session, line, actor=current_actor()),
            done=lambda ticket: [("success", _("Unit %(unit)s has ticket %(number)s: %(post)s.", unit=ticket.line.unit.code,
                                               number=ticket.label, post=ticket.post.title))],
            then=lambda ticket: self._here(pk, drawn=ticket.id if ticket else None), back=self._here(pk),
            messages={"uq_movein_ticket_active": _("This unit has a ticket already.")},
        )  # fmt: skip

    @expose("/<int:pk>/desk/tickets/<int:number>/again", methods=["POST"])
    @requires("call")
    def again(self, pk: int, number: int) -> Any:
        return self._ticket(pk, number, queue.call_again, _("Called again."))

    @expose("/<int:pk>/desk/tickets/<int:number>/skip", methods=["POST"])
    @requires("call")
    def skip(self, pk: int, number: int) -> Any:
        return self._ticket(pk, number, queue.skip, _("Skipped."))

    @expose("/<int:pk>/desk/tickets/<int:number>/finish", methods=["POST"])
    @requires("call")
    def finish(self, pk: int, number: int) -> Any:
        further = request.form.get("further", "")
        post = Post(further) if further in COUNTERS else None
        ticket = _part(QueueTicket, self.batch_or_404(pk), number)

        def work() -> tuple[Post | None]:
            return (queue.finish(db.session, ticket, post=post, actor=current_actor()),)

        def said(result: tuple[Post | None]) -> list[tuple[str, str]]:
            (on,) = result
            sentence = (
                _("Ticket %(number)s goes on to: %(post)s.", number=ticket.label, post=on.title)
                if on else _("Ticket %(number)s has ended.", number=ticket.label)
            )  # fmt: skip
            return [("success", sentence)]

        return self.command(work, done=said, then=self._here(pk))

    @expose("/<int:pk>/desk/tickets/<int:number>/slip")
    @requires("check_in")
    def slip(self, pk: int, number: int) -> str:
        """The ticket on paper for whoever waits: number, unit, post, how many are before them, and a code to follow the
        calls on their phone. In both languages, without a name; on a receipt roll as on a sheet."""
        batch = self.batch_or_404(pk)
        ticket = _part(QueueTicket, batch, number)
        display = f"{current_app.config['GUANJIA'].public_url.rstrip('/')}{url_for('NowServingPage.show', key=batch.display_key)}"
        return self.render(
            "movein/queue_slip.html", batch=batch, ticket=ticket, estate=db.session.get(Estate, batch.estate_id),
            post=in_both(ticket.post.title), before=queue.before(db.session, ticket), display=display,
            code=Markup(segno.make(display, error="m", micro=False).svg_inline(border=2, omitsize=True)),  # noqa: S704 (drawn here)
        )  # fmt: skip

    def _ticket(self, pk: int, number: int, work: Any, done: str) -> Any:
        ticket = _part(QueueTicket, self.batch_or_404(pk), number)
        return self.command(lambda: work(db.session, ticket, actor=current_actor()), done=done, then=self._here(pk))

    def _desk(self) -> tuple[Post, str]:
        post, desk = request.values.get("post", ""), request.values.get("desk", "").strip()[:20]
        return (Post(post) if post in COUNTERS else Post.RECEPTION), desk

    def _here(self, pk: int, **more: Any) -> str:
        post, desk = self._desk()
        return url_for("BatchDeskPage.index", pk=pk, post=post.value, desk=desk or None, **more)

    def _values(self, batch: MoveInBatch) -> dict[str, Any]:
        post, desk = self._desk()
        tickets = queue.at_desk(db.session, batch, post=post, desk=desk)
        shown = (tickets.serving, *tickets.waiting, *tickets.skipped)
        seen = _digest([(ticket.id, ticket.version) for ticket in shown if ticket])
        today = estate_today(db.session, batch.estate_id)
        return {
            "batch": batch, "post": post, "desk": desk, "posts": COUNTERS, "tickets": tickets, "seen": seen,
            "clock": functools.partial(_clock, today),
        }  # fmt: skip

    def _found(self, batch: MoveInBatch) -> dict[str, Any]:
        text = request.args.get("text", "").strip()[:40]
        if not text or not current_actor().may("check_in", "MoveInBatch"):
            return {"text": text, "found": []}
        lines = db.session.scalars(
            batches.lines_of(batch)
            .where(Unit.code.icontains(text.upper(), autoescape=True))
            .options(
                sa.orm.joinedload(BatchUnit.case).joinedload(MoveInCase.owner), sa.orm.joinedload(BatchUnit.slot)
            )
            .limit(FOUND)
        )  # fmt: skip
        return {"text": text, "found": lines.all()}


class NowServingPage(Page):
    """The counter display (叫号): which ticket is called to which desk. For a screen on the wall, without a login.

    Its address holds a secret of the batch. It tells no personal data: ticket number, unit code and desk only.
    """

    route_base = "/now-serving"
    default_view = "show"

    @expose("/<key>")
    @public
    def show(self, key: str) -> Any:
        return self._drawn("movein/now_serving.html", key)

    @expose("/<key>/lines")
    @public
    def lines(self, key: str) -> Any:
        """The part that asks for itself anew."""
        return self._drawn("movein/_now_serving.html", key)

    def _drawn(self, template: str, key: str) -> Any:
        with acting(system_actor("display")):
            batch = db.session.scalar(
                sa.select(MoveInBatch).where(MoveInBatch.display_key == key, MoveInBatch.state == BatchState.OPEN)
            )
            if batch is None:
                raise NotAllowed("display")
            called, waiting = queue.now_serving(db.session, batch)
            seen = _digest(called, sorted(waiting.items()))
            if request.args.get("seen") == seen:
                return UNCHANGED
            estate = db.session.get(Estate, batch.estate_id)
            return render_template(
                template, batch=batch, estate=estate, called=called, key=key, seen=seen,
                waiting=[(in_both(post.title), waiting[post]) for post in COUNTERS if waiting.get(post)],
            )  # fmt: skip
