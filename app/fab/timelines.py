"""The whole timeline of a record, the diary of a unit, and the comments that stand in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask import flash, make_response, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app.core.access.actor import Actor, NotAllowed, current_actor
from app.core.access.models import Account, Membership
from app.core.comments.models import Comment
from app.core.comments.services import add_comment, withdraw_comment
from app.core.records.base import Record, Stamped, now
from app.core.records.lookup import reach
from app.core.registry import HouseholdSection, Registry, registry
from app.extensions import db
from app.fab.cells import day
from app.fab.fields import title_of
from app.fab.filters import LARGEST
from app.fab.interface import model_of
from app.fab.scope import safe_next
from app.fab.submit import Outcome, carry_out
from app.fab.timeline import GROUPS, OTHER, About, Filter, read, timeline
from app.fab.views import Page, address_of, expose, record_views

DIARY = "unit-diary"
IN_SECTION = 10
"""Lines of the diary on the household page."""
PRINTED, SEARCHED_TO_PRINT = 1000, 20_000
"""Lines that one print holds, and entries looked through for them."""


def reached(table: str, pk: int, actor: Actor) -> Stamped:
    """The record whose page the actor may open. Raises ``NotAllowed``."""
    model = model_of(table)
    if model is None or not issubclass(model, Stamped) or pk > LARGEST:
        raise NotAllowed(f"{table} {pk}")
    view = next((view for view in record_views().values() if view.datamodel.obj is model), None)
    if view is None:
        return reach(db.session, table, pk, verb="read", actor=actor)
    actor.require("read", view.resource)
    record = db.session.scalar(sa.select(model).where(model.id == pk, *view.scope()))
    if record is None:
        raise NotAllowed(f"{table} {pk}")
    return record


def newest(record: Stamped) -> Any:
    """What the record's page shows of its timeline."""
    view = next((view for view in record_views().values() if view.datamodel.obj is type(record)), None)
    return view.happenings(record) if view else timeline(record)


@dataclass(frozen=True)
class Asked:
    """The arguments of a request for a timeline; what cannot be read is left out and said in ``problems``."""

    wanted: Filter
    before: int | None
    person: Account | None
    problems: tuple[str, ...]

    @classmethod
    def read(cls) -> Asked:
        problems: list[str] = []

        def day_of(name: str) -> date | None:
            given = request.args.get(name, "").strip()
            try:
                return date.fromisoformat(given) if given else None
            except ValueError:
                problems.append(_("“%(given)s” is no date and was left out.", given=given))
                return None

        person, before = _number(request.args.get("person", "")), _number(request.args.get("before", ""))
        wanted = Filter(
            groups=tuple(name for name in (*GROUPS, OTHER) if name in request.args.getlist("kind")),
            person=person, since=day_of("from"), until=day_of("to"),
            text=request.args.get("q", "").replace("\0", "").strip()[:100],
        )  # fmt: skip
        return cls(wanted, before, _colleague(person), tuple(problems))

    @property
    def arguments(self) -> dict[str, Any]:
        """The filter as arguments of an address."""
        given = self.wanted
        found = {
            "kind": list(given.groups), "person": given.person, "from": given.since, "to": given.until, "q": given.text,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value}

    @property
    def said(self) -> str:
        """The filter in words, for the head of a print."""
        given = self.wanted
        parts = [str(GROUPS[name].title) if name in GROUPS else _("Other") for name in given.groups]
        parts += [title_of(self.person)] if self.person else []
        if given.since or given.until:
            parts.append(f"{day(given.since)} – {day(given.until)}".strip())
        parts += [f"“{given.text}”"] if given.text else []
        return " · ".join(parts) or _("everything")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _colleague(number: int | None) -> Account | None:
    """Somebody who serves the estate of the actor, for the name in the filter."""
    if number is None or number > LARGEST:
        return None
    here = Account.memberships.any(Membership.estate_id == current_actor().estate_id)
    return db.session.scalar(sa.select(Account).where(Account.id == number, here))


class TimelinePage(Page):
    """``/timeline/<table>/<id>`` and ``/timeline/unit-diary/<id of a unit>``; who may open the record's page may open it."""

    route_base = "/timeline"
    default_view = "show"

    @expose("/<table>/<int:pk>")
    def show(self, table: str, pk: int) -> str:
        return whole_page(self, table, reached("unit" if table == DIARY else table, pk, current_actor()))

    @expose("/<table>/<int:pk>/print")
    def sheet(self, table: str, pk: int) -> str:
        """The filtered timeline as a sheet to print, up to :data:`PRINTED` lines."""
        record = reached("unit" if table == DIARY else table, pk, current_actor())
        asked = Asked.read()
        page = read(_about(table, record), asked.wanted, limit=PRINTED, searched=SEARCHED_TO_PRINT)
        return self.render(
            "timeline/sheet.html", title=_title(table, record), record=record, page=page, asked=asked, printed_at=now(),
            back=url_for(".show", table=table, pk=record.id, **asked.arguments), limit=PRINTED,
        )  # fmt: skip


def whole_page(page: Page, table: str, record: Stamped, **more: Any) -> str:
    """The whole timeline with its filter, newest first, page by page."""
    asked = Asked.read()
    for problem in asked.problems:
        flash(problem, "warning")
    shown = read(_about(table, record), asked.wanted, before=asked.before)
    place: dict[str, Any] = {"table": table, "pk": record.id}

    def link(endpoint: str = "show", **changes: Any) -> str:
        return url_for(f"TimelinePage.{endpoint}", **{**asked.arguments, **changes, **place})

    return page.render(
        "timeline/page.html", title=_title(table, record), record=record, page=shown, asked=asked, groups=GROUPS, other=OTHER,
        link=link, diary=table == DIARY, back=_page_of(record), **more,
    )  # fmt: skip


def _about(table: str, record: Stamped) -> About:
    return About.diary(record) if table == DIARY else About.of(record)


def _title(table: str, record: Stamped) -> str:
    name = title_of(record)
    return _("Diary of %(record)s", record=name) if table == DIARY else _("What happened: %(record)s", record=name)


def _page_of(record: Stamped) -> str:
    page = registry().record_pages.get(record.__tablename__)
    return page(record.id) if page else address_of(record) or ""


class CommentPage(Page):
    """Writing and withdrawing comments, from the page of any record."""

    route_base = "/comments"
    default_view = "add"

    @expose("/<table>/<int:pk>", methods=["POST"])
    def add(self, table: str, pk: int) -> Any:
        actor = current_actor()
        record = _commentable(reached(table, pk, actor))
        text, chosen = request.form.get("text", ""), {n for n in map(_number, request.form.getlist("chosen")) if n}
        outcome = carry_out(
            lambda: add_comment(db.session, record, text, actor=actor, chosen=chosen), lambda _comment: _back(record)
        )
        return self._answer(outcome, record, text)

    @expose("/<int:pk>/withdraw", methods=["POST"])
    def withdraw(self, pk: int) -> Any:
        actor = current_actor()
        comment = db.session.get(Comment, pk) if pk <= LARGEST else None
        if comment is None:
            raise NotAllowed(f"comment {pk}")
        record = _commentable(reached(comment.record_type, comment.record_id, actor))
        outcome = carry_out(lambda: withdraw_comment(db.session, comment, actor=actor), lambda _r: _back(record))
        return self._answer(outcome, record)

    def _answer(self, outcome: Outcome, record: Record, text: str = "") -> Response | tuple[str, int]:
        """The newest lines of the page, or what stands in the way; without a script, the page itself."""
        refused = [sentence for found in outcome.errors.values() for sentence in found]
        if outcome.stale:
            refused = [_("Somebody else just changed this comment; look at it again.")]
        if not request.headers.get("HX-Request"):
            if outcome.done:
                return redirect(outcome.location, 303)
            return whole_page(self, record.__tablename__, record, typed=text, refused=refused), 422
        if outcome.done:
            return make_response(self.render("timeline/newest.html", record=record, entries=newest(record)))
        answer = make_response(self.render("timeline/refused.html", refused=refused), 422)
        answer.headers |= {"HX-Retarget": "#comment-refused", "HX-Reswap": "innerHTML"}
        return answer


def _commentable(record: Stamped) -> Record:
    if not isinstance(record, Record):
        raise NotAllowed(f"comment on {record.__tablename__}")
    return record


def _back(record: Record) -> str:
    """Where the comment was written, or else the whole timeline."""
    given = request.form.get("next", "")
    return safe_next(given) if given else url_for("TimelinePage.show", table=record.__tablename__, pk=record.id)


def diary_part(unit: Any, actor: Actor) -> dict[str, Any]:
    """Values of the diary section of the household page; two statements, three with rights that hide something."""
    return {"entries": read(About.diary(unit), Filter(), limit=IN_SECTION).lines, "unit": unit}


def register_timelines(registry: Registry) -> None:
    """The pages, and the diary (管理手册) on the household page."""
    registry.view(TimelinePage)
    registry.view(CommentPage)
    registry.section(
        HouseholdSection(name="diary", title=_l("Diary"), template="timeline/diary.html", load=diary_part, order=90)
    )
