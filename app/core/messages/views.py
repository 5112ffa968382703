"""The inbox of notices, what one wants to hear of, webhooks and the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.core.access.actor import Actor, NotAllowed, current_actor
from app.core.messages import delivery, services, webhooks
from app.core.messages.forms import WEBHOOK_FIELDS
from app.core.messages.kinds import Channel, MessageEvent
from app.core.messages.models import Notice, OutboxMessage, OutboxState, Webhook
from app.core.records.base import now
from app.core.records.lookup import reach
from app.core.registry import registry
from app.extensions import db
from app.fab import cells
from app.fab.interface import RecordInterface
from app.fab.lists import address_by_id
from app.fab.scope import safe_next
from app.fab.views import BulkCommand, Page, RecordView, RelatedList, expose, requires

PAGE = 50


@dataclass(frozen=True)
class Line:
    """One notice as its reader sees it."""

    id: int
    title: str
    sentence: str
    at: Any
    unread: bool


class NoticePage(Page):
    """Everybody sees their own notices of the estate they work in, and sets what they hear of."""

    route_base = "/notices"

    @expose("/")
    def index(self) -> str:
        actor = current_actor()
        events = registry().of(MessageEvent)
        event, only_unread = request.args.get("event", ""), request.args.get("show") == "unread"
        page = request.args.get("page", 1, type=int)
        page = page if 0 < page < 10_000 else 1
        mine = select(Notice).where(Notice.estate_id == actor.estate_id, Notice.person_id == actor.user_id)
        if event in events:
            mine = mine.where(Notice.event == event)
        if only_unread:
            mine = mine.where(Notice.read_at.is_(None))
        mine = mine.order_by(Notice.read_at.is_not(None), Notice.id.desc()).offset((page - 1) * PAGE).limit(PAGE + 1)
        found = db.session.scalars(mine).all()
        return self.render(
            "messages/inbox.html", title=_("Notices"), lines=[_line(notice, events) for notice in found[:PAGE]],
            unread=services.unread(db.session, actor), events=events, event=event, only_unread=only_unread,
            page=page, more=len(found) > PAGE,
        )  # fmt: skip

    @expose("/<int:pk>/open", methods=["POST"])
    def open(self, pk: int) -> Response:
        """Mark the notice as read and go where it points."""
        notice = self._mine(pk)
        target = url_for("GoPage.index", record_type=notice.record_type, record_id=notice.record_id)
        services.mark_read(db.session, current_actor(), pk)
        db.session.commit()
        return redirect(target, 303)

    @expose("/<int:pk>/read", methods=["POST"])
    def read(self, pk: int) -> Response:
        self._mine(pk)
        services.mark_read(db.session, current_actor(), pk)
        db.session.commit()
        return redirect(safe_next(request.form.get("next")), 303)

    @expose("/read", methods=["POST"])
    def read_all(self) -> Response:
        services.mark_read(db.session, current_actor())
        db.session.commit()
        flash(_("All notices are marked as read."), "success")
        return redirect(url_for("NoticePage.index"), 303)

    @expose("/settings", methods=["GET"])
    def settings(self) -> str:
        return self.render(
            "messages/choices.html", title=_("What I hear of"), events=registry().of(MessageEvent).values(),
            channels=list(Channel), wanted=services.choices_of(db.session, _me()), email_works=services.email_is_set_up(),
        )  # fmt: skip

    @expose("/settings", methods=["POST"])
    def choose(self) -> Any:
        wanted = {
            (code, channel)
            for code in registry().of(MessageEvent)
            for channel in Channel
            if f"{code}:{channel.value}" in request.form
        }
        here = url_for("NoticePage.settings")
        return self.command(lambda: services.choose(db.session, _me(), wanted), done=_("Saved."), then=here)

    def _mine(self, pk: int) -> Notice:
        notice = db.session.scalar(
            select(Notice).where(
                Notice.id == pk, Notice.person_id == _me(), Notice.estate_id == current_actor().estate_id
            )
        )
        if notice is None:
            raise NotAllowed(f"notice {pk}")
        return notice


def _me() -> int:
    me = current_actor().user_id
    if me is None:
        raise NotAllowed("nobody")
    return me


def _line(notice: Notice, events: dict[str, MessageEvent]) -> Line:
    locale = get_locale()
    event = events.get(notice.event)  # a module that is gone leaves its notices behind
    return Line(
        id=notice.id,
        title=str(event.title) if event else notice.event,
        sentence=event.said(notice.values, locale.language if locale else "zh") if event else notice.event,
        at=notice.created_at,
        unread=notice.read_at is None,
    )


class GoPage(Page):
    """Lasting addresses of records, as e-mail and other systems get them; the record's page asks who may see it."""

    route_base = "/go"

    @expose("/<record_type>/<int:record_id>")
    def index(self, record_type: str, record_id: int) -> Response:
        reach(db.session, record_type, record_id, verb="read", actor=current_actor())
        address = address_by_id(record_type, record_id)
        if address is None:
            raise NotAllowed(record_type)
        return redirect(address)


class WebhookView(RecordView):
    datamodel = RecordInterface(Webhook)
    resource = "Webhook"
    route_base = "/settings/webhooks"
    list_title = _l("Webhooks")
    show_title = _l("Webhook")
    add_title = _l("New webhook")
    edit_title = _l("Edit webhook")
    intro = _l("Other systems and group bots that are told what happens in this estate.")
    empty_hint = _l("Add the address of a WeCom or DingTalk group bot, or of a system of your own.")
    list_columns = ("title", "format", "host", "active", "changed_at")
    search_columns = ("title", "format", "active")
    base_order = ("title", "asc")
    show_fieldsets = [("", ["title", "format", "host", "signed", "events", "language", "active"])]
    add_columns = edit_columns = ("title", "format", "address", "secret", "events", "language", "active")
    form_fields = WEBHOOK_FIELDS
    form_fieldsets = [("", add_columns)]
    label_columns = {"host": _l("Host"), "signed": _l("Carries a signature")}
    list_cell = {
        "signed": lambda webhook: _("Yes") if webhook.signed else _("No"),
        "events": lambda webhook: _titles(webhook.events),
    }
    constraint_messages = {"uq_webhook_estate_id_title": ("title", _l("Another webhook has this name."))}
    related = [
        RelatedList(
            title=_l("Outbox"), view="OutboxView", column="webhook_id", add=False,
            columns=["created_at", "event", "state", "attempts", "trouble"],
        )
    ]  # fmt: skip
    show_template = "messages/webhook.html"

    @expose("/<int:pk>/test", methods=["POST"])
    @requires("update")
    def test(self, pk: int) -> Response:
        """Send a message at once and say how that went."""
        webhook = self.record_or_404(pk)
        payload = {
            "event": "test",
            "title": _("Test message"),
            "sentence": _("%(person)s tries out “%(webhook)s”.", person=current_actor().name, webhook=webhook.title),
            "link": f"{current_app.config['GUANJIA'].public_url.rstrip('/')}{self.address_of(webhook)}",
            "at": now().isoformat(timespec="seconds"),
        }
        here, call = self.address_of(webhook), webhooks.call_of(webhook, payload, services.new_delivery(), now())
        db.session.commit()  # nobody waits for a write while the receiver takes its time
        try:
            webhooks.post(call, current_app.config["GUANJIA"].private_hosts)
        except webhooks.Undelivered as problem:
            flash(_("The test message did not arrive. %(reason)s", reason=problem.sentence), "danger")
        else:
            flash(_("The receiver took the test message."), "success")
        return redirect(here, 303)


def _titles(codes: list[str]) -> str:
    events = registry().of(MessageEvent)
    return "、".join(str(events[code].title) if code in events else code for code in codes)


class OutboxView(RecordView):
    datamodel = RecordInterface(OutboxMessage)
    resource = "OutboxMessage"
    route_base = "/settings/outbox"
    list_title = _l("Outbox")
    show_title = _l("Outgoing message")
    intro = _l("What leaves the program by e-mail and webhook. What failed stays here until it is sent again.")
    list_columns = ("created_at", "event", "channel", "receiver", "state", "attempts", "next_at", "trouble")
    search_columns = ("state", "channel", "webhook_id", "created_at")
    show_fieldsets = [
        ("", ["event", "channel", "receiver", "state", "attempts", "created_at", "sent_at", "next_at", "trouble",
              "delivery"]),
    ]  # fmt: skip
    label_columns = {"receiver": _l("Receiver"), "trouble": _l("What went wrong")}
    list_cell = {
        "event": lambda message: _titles([message.event]),
        "state": lambda message: cells.badge(message.state.title, message.state.colour),
        "next_at": lambda message: message.next_at if message.state is OutboxState.PENDING else None,
    }
    bulk = (
        BulkCommand(name="resend", title=_l("Send again"), verb="resend", work=delivery.send_again, icon="refresh"),
    )
    show_template = "messages/outgoing.html"

    @expose("/<int:pk>/resend", methods=["POST"])
    @requires("resend")
    def resend(self, pk: int) -> Any:
        message = self.record_or_404(pk)
        return self.command(
            lambda: delivery.send_again(db.session, message, actor=current_actor()),
            done=_("The message is on its way again."),
            then=url_for("OutboxView.show", pk=pk),
        )

    def sections(self, record: OutboxMessage, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        return [(_("Words"), "messages/words.html", {"payload": record.payload})]
