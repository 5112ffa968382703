"""The "Views" menu of a list: saving, sharing, changing and opening with a view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from flask import request
from flask_appbuilder.baseviews import expose
from flask_babel import gettext as _
from sqlalchemy.orm import joinedload
from werkzeug.datastructures import MultiDict

from app.core.access.actor import NotAllowed, current_actor
from app.core.access.roles import Role
from app.core.records.identifiers import InvalidValue
from app.core.records.savedviews import OpeningView, SavedView
from app.extensions import db
from app.fab.customs import without_strangers
from app.fab.filters import LARGEST, TURNING
from app.fab.interface import Attribute
from app.fab.scope import requires
from app.fab.submit import carry_out

TITLE, QUERY = 60, 2000


class SavedViewScreen:
    """Saved views of one list; a part of :class:`app.fab.views.RecordView`."""

    resource: ClassVar[str]
    endpoint: str
    offered: Sequence[Attribute]
    render: Callable[..., str]

    def view_to_open_with(self) -> tuple[str, MultiDict[str, str]] | None:
        """Title and arguments of the view with which the list opens for the person, else for one of their roles."""
        actor = current_actor()
        query = (
            sa.select(SavedView.title, SavedView.query)
            .join(OpeningView, OpeningView.view_id == SavedView.id)
            .where(
                OpeningView.screen == self._screen,
                sa.or_(OpeningView.owner_id == actor.user_id, OpeningView.role.in_(sorted(actor.roles))),
                _visible(),
            )
            .order_by(OpeningView.role, SavedView.id)
            .limit(1)
        )
        found = db.session.execute(query).one_or_none()
        return (found.title, _arguments(found.query)) if found else None

    @property
    def _screen(self) -> str:
        return type(self).__name__

    @expose("/views")
    @requires("read")
    def views(self) -> str:
        """The saved views of this list, as a fragment of its page; ``query`` is the list as it is now."""
        return self._saved_views(request.args.get("query", ""))

    @expose("/views", methods=["POST"])
    @requires("read")
    def save_view(self) -> str | tuple[str, int]:
        """Save the list as it is now under a new name."""
        query = request.form.get("query", "")

        def work() -> None:
            saved = SavedView(owner_id=current_actor().user_id, screen=self._screen, query=_kept(query))
            saved.title, saved.role = self._title(), _role()
            db.session.add(saved)

        return self._changed(work)

    @expose("/views/<int:pk>", methods=["POST"])
    @requires("read")
    def change_view(self, pk: int) -> str | tuple[str, int]:
        """Rename an own view, share it or withdraw it; with ``overwrite`` it becomes the list as it is now."""
        saved = self._own_or_404(pk)

        def work() -> None:
            saved.title, saved.role = self._title(saved), _role(saved.role)
            saved.opens = [o for o in saved.opens if o.owner_id or o.role == saved.role]
            if request.form.get("overwrite"):
                saved.query = _kept(request.form.get("query", ""))

        return self._changed(work)

    @expose("/views/<int:pk>/delete", methods=["POST"])
    @requires("read")
    def drop_view(self, pk: int) -> str | tuple[str, int]:
        saved = self._own_or_404(pk)
        return self._changed(lambda: db.session.delete(saved))

    @expose("/views/<int:pk>/open", methods=["POST"])
    @requires("read")
    def open_with(self, pk: int) -> str | tuple[str, int]:
        """Let the list open with a view: for oneself, or ``role=…`` for everybody in the role it is shared with.

        ``stop`` takes that back.
        """
        actor, role, stop = current_actor(), request.form.get("role", ""), request.form.get("stop", "")
        saved = db.session.scalar(self._seen().where(SavedView.id == pk)) if pk <= LARGEST else None
        if saved is None or (role and not (role == saved.role and actor.may("share", "SavedView"))):
            raise NotAllowed(f"view {pk}")
        for_whom = (OpeningView.role == role) if role else (OpeningView.owner_id == actor.user_id)

        def work() -> None:
            opening = db.session.scalar(sa.select(OpeningView).where(OpeningView.screen == self._screen, for_whom))
            if stop and opening is not None and opening.view_id == saved.id:
                db.session.delete(opening)
            elif not stop and opening is not None:
                opening.view_id = saved.id
            elif not stop:
                owner = None if role else actor.user_id
                db.session.add(OpeningView(screen=self._screen, owner_id=owner, role=role, view_id=saved.id))

        return self._changed(work)

    def _changed(self, work: Callable[[], Any]) -> str | tuple[str, int]:
        outcome = carry_out(work, lambda _result: "/")
        db.session.expire_all()
        problem = " ".join(sentence for found in outcome.errors.values() for sentence in found)
        if outcome.stale:
            problem = _("Somebody else changed this record; read it again.")
        page = self._saved_views(request.form.get("query", ""), problem)
        return page if outcome.done else (page, 422)

    def _title(self, saved: SavedView | None = None) -> str:
        """The name asked for; one person has no two views of a name in one list."""
        title = request.form.get("title", "").strip()
        if not title or len(title) > TITLE:
            raise InvalidValue(_("Give the view a name of at most 60 characters."))
        with db.session.no_autoflush:
            other = db.session.scalar(self._own().where(SavedView.title == title))
        if other is not None and other is not saved:
            raise InvalidValue(
                _("You have a view called “%(title)s” already; overwrite it or choose another name.", title=title)
            )
        return title

    def _own(self) -> Any:
        return sa.select(SavedView).where(
            SavedView.screen == self._screen, SavedView.owner_id == current_actor().user_id
        )

    def _own_or_404(self, pk: int) -> SavedView:
        saved: SavedView | None = db.session.scalar(self._own().where(SavedView.id == pk)) if pk <= LARGEST else None
        if saved is None:
            raise NotAllowed(f"view {pk}")
        return saved

    def _seen(self) -> Any:
        return sa.select(SavedView).where(SavedView.screen == self._screen, _visible())

    def _saved_views(self, query: str, problem: str = "") -> str:
        actor = current_actor()
        found = self._seen().options(joinedload(SavedView.owner)).order_by(SavedView.title, SavedView.id)
        mine = sa.or_(OpeningView.owner_id == actor.user_id, OpeningView.owner_id.is_(None))
        openings = db.session.scalars(sa.select(OpeningView).where(OpeningView.screen == self._screen, mine)).all()
        return self.render(
            "saved_views.html", view=self, saved=db.session.scalars(found).all(), query=query, problem=problem,
            roles=_roles(), titles={role.value: role.title for role in Role}, sharing=actor.may("share", "SavedView"),
            shown=lambda query: urlencode(without_strangers(parse_qsl(query), self.offered)),
            my_opening=next((o.view_id for o in openings if o.owner_id), None),
            role_openings={o.role: o.view_id for o in openings if o.role},
        )  # fmt: skip


def _visible() -> Any:
    actor = current_actor()
    return sa.or_(SavedView.owner_id == actor.user_id, SavedView.role.in_(sorted(actor.roles)))


def _roles() -> list[Role]:
    """Roles with which the person may share a view."""
    actor = current_actor()
    return [role for role in Role if role.value in actor.roles or actor.may("share", "SavedView")]


def _role(present: str = "") -> str:
    role = request.form.get("role", "")
    if role and role != present and role not in {known.value for known in _roles()}:
        raise InvalidValue(_("You can share views with your own roles only."))
    return role


def _arguments(query: str) -> MultiDict[str, str]:
    return MultiDict([(name, value) for name, value in parse_qsl(query) if name not in TURNING])


def _kept(query: str) -> str:
    """What a view remembers of an address: no place in the list, nothing empty."""
    text = urlencode([(name, value) for name, value in _arguments(query).items(multi=True) if value])
    if len(text) > QUERY:
        raise InvalidValue(_("This list has too many filters to be saved."))
    return text or "view=all"
