"""The queue's pages: what is open, one work with its decisions in place, counts beside the search box; delegations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response

from app.core.access.actor import Actor, NotAllowed, current_actor
from app.core.access.models import Account, Membership
from app.core.access.roles import EVERYONE, Grants, Role
from app.core.clocks import delegation, passing
from app.core.clocks.kinds import WorkCommand
from app.core.clocks.models import Deadline, Delegation, Standing, WorkItem
from app.core.clocks.queries import deadlines_of
from app.core.clocks.queue import (
    Asked,
    Place,
    QueueLine,
    Tab,
    count,
    count_text,
    counts,
    line_of,
    lines,
    readable_kinds,
    workflow_of,
)
from app.core.files.services import attachments_of
from app.core.records.base import Record
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.registry import MenuCount, registry
from app.core.workflow.table import Offer, unanswered
from app.extensions import db
from app.fab import cells
from app.fab.interface import RecordInterface
from app.fab.scope import asked_by_itself, safe_next
from app.fab.submit import Outcome, carry_out
from app.fab.views import Page, RecordView, expose, record_views, requires

SUPERVISORS = (Role.MANAGER, Role.CS_SUPERVISOR, Role.EQUIPMENT_SUPERVISOR, Role.SITE_SUPERVISOR)
RIGHTS: Grants = {
    "Work": {"read": EVERYONE, "assign": SUPERVISORS},
    "Delegation": {"read create": EVERYONE, "end": (Role.MANAGER,)},
}
COLLEAGUES = 300
FACTS = 8


def queue_values(actor: Actor, args: Mapping[str, str], here: str) -> dict[str, Any]:
    """Values of ``clocks/_queue.html`` for the arguments of an address; ``here`` is the page's endpoint."""
    kinds = readable_kinds(actor)
    tab = args.get("tab", "")
    asked = Asked(
        tab=Tab(tab) if tab in set(Tab) else Tab.MINE,
        kind=args.get("kind", "") if args.get("kind", "") in kinds else "",
        late=args.get("late") == "1",
        after=Place.read(args.get("after", "")),
    )
    numbers = counts(db.session, actor, asked)
    if "tab" not in args:  # nothing of one's own: what waits for the role comes first, then what waits for anybody
        first = next((tab for tab in Tab if numbers[tab]), Tab.MINE)
        asked = Asked(first, asked.kind, asked.late, asked.after)
    shown, behind = lines(db.session, actor, asked)

    def address(**changes: Any) -> str:
        values = {"tab": asked.tab.value, "kind": asked.kind or None, "late": "1" if asked.late else None, **changes}
        return url_for(here, **values)

    return {
        "asked": asked, "lines": shown, "tabs": [(tab, count_text(numbers[tab])) for tab in Tab], "kinds": kinds,
        "address": address, "here": url_for(here), "more": address(after=str(behind)) if behind else "", "actor": actor,
        "concerns": passing.concerns,
    }  # fmt: skip


class WorkPage(Page):
    """Open work, and what can be decided on its line without leaving the queue."""

    resource = "Work"
    route_base = "/queue"

    @expose("/")
    @requires("read")
    def index(self) -> str:
        values = queue_values(current_actor(), request.args, "WorkPage.index")
        part = "after" in request.args and "HX-Request" in request.headers
        return self.render("clocks/_lines.html" if part else "clocks/work.html", title=_l("Work queue"), **values)

    @expose("/counts")
    @requires("read")
    @asked_by_itself
    def counts(self) -> str:
        """The counts beside the search box; every page asks for them after it is drawn."""
        actor = current_actor()
        found = [(one, one.count(db.session, actor)) for one in registry().of(MenuCount).values()]
        shown = sorted(((one, number) for one, number in found if number), key=lambda pair: pair[0].order)
        return self.render("clocks/_counts.html", counts=[(one, count_text(number)) for one, number in shown])

    @expose("/<int:pk>")
    @requires("read")
    def show(self, pk: int) -> str:
        return self._drawn(line_of(db.session, current_actor(), pk))

    @expose("/<int:pk>/take", methods=["POST"])
    @requires("read")
    def take(self, pk: int) -> Any:
        """Make the work one's own; of two people the first has it."""
        holder = request.form.get("holder", "")

        def work(line: QueueLine, actor: Actor) -> None:
            passing.take(db.session, line.item, holder_id=int(holder) if holder.isdecimal() else None, actor=actor)

        return self._change(pk, work, _("The work is yours now."), opened=False)

    @expose("/<int:pk>/hand-over", methods=["POST"])
    @requires("read")
    def hand_over(self, pk: int) -> Any:
        """Give the work to a colleague."""
        person, note = request.form.get("person", ""), request.form.get("note", "")

        def work(line: QueueLine, actor: Actor) -> None:
            if not person.isdecimal():
                raise InvalidValue(_("Choose a colleague."))
            passing.hand_over(db.session, line.item, int(person), note=note, actor=actor)

        return self._change(pk, work, _("The work was handed over."))

    @expose("/<int:pk>/give-back", methods=["POST"])
    @requires("read")
    def give_back(self, pk: int) -> Any:
        """Let the work wait for its role again."""

        def work(line: QueueLine, actor: Actor) -> None:
            passing.give_back(db.session, line.item, note=request.form.get("note", ""), actor=actor)

        return self._change(pk, work, _("The work waits for its role again."))

    @expose("/<int:pk>/clocks/<int:clock>/<any(pause, resume, explain):what>", methods=["POST"])
    @requires("read")
    def clock(self, pk: int, clock: int, what: str) -> Any:
        """Stop a clock while the owner is waited for, let it go on, or say why it is late."""
        reason = request.form.get("reason", "")

        def work(line: QueueLine, actor: Actor) -> None:
            deadline = db.session.get(Deadline, clock)
            if deadline is None or deadline.item_id != line.item.id or not deadline.open:
                raise InvalidValue(_("This clock has ended."))
            if what == "pause":
                passing.wait_for_owner(db.session, line.item, deadline, reason=reason, actor=actor)
            elif what == "resume":
                passing.go_on(db.session, line.item, deadline, actor=actor)
            else:
                passing.explain(db.session, line.item, deadline, reason=reason, actor=actor)

        done = {
            "pause": _("The clock stands still."),
            "resume": _("The clock goes on."),
            "explain": _("The reason is kept."),
        }
        return self._change(pk, work, done[what])

    @expose("/<int:pk>/do/<name>", methods=["POST"])
    @requires("read")
    def do(self, pk: int, name: str) -> Any:
        """Make a decision about the record: a transition of its workflow, or a command of its kind of work."""
        given, sent = request.form.to_dict(), request.form.get("version", "")
        line = line_of(db.session, current_actor(), pk)
        workflow = workflow_of(line.described)
        steps: list[Any] = [*(workflow.transitions if workflow else line.described.commands)]
        step = next((s for s in steps if s.name == name), None)
        if step is None:
            raise NotAllowed(name)

        def work(line: QueueLine, actor: Actor) -> None:
            record = _record(line, actor)
            if record is None:
                raise NotAllowed(name)
            if sent and str(record.version) != sent:
                raise StaleDataError
            if workflow:
                workflow.fire(db.session, record, name, actor=actor, inputs=given)
            else:
                _command(record, step, given, actor)

        return self._change(pk, work, _("Done: %(step)s.", step=str(step.title)), tried=name)

    def _change(
        self, pk: int, work: Callable[[QueueLine, Actor], None], done: str, *, opened: bool = True, tried: str = ""
    ) -> Any:
        """Carry out a command and show the line as it is then, in the queue or on its page."""
        actor = current_actor()
        line = line_of(db.session, actor, pk)
        outcome = carry_out(lambda: work(line, actor), lambda _result: url_for("WorkPage.show", pk=pk))
        refused = _sentences(outcome)
        if outcome.stale:
            refused = [_("Somebody else just changed this; look at it as it is now and decide again.")]
        if "HX-Request" not in request.headers and outcome.done:
            flash(done, "success")
            return redirect(safe_next(request.form.get("next")) if request.form.get("next") else outcome.location)
        line = line_of(db.session, actor, pk)
        page = self._drawn(
            line, opened=opened or bool(refused), done="" if refused else done, refused=refused, tried=tried
        )
        return (page, 422) if refused else page

    def _drawn(
        self, line: QueueLine, *, opened: bool = True, done: str = "", refused: list[str] | None = None, tried: str = ""
    ) -> str:
        actor = current_actor()
        values = {
            "lines": [line], "actor": actor, "opened": opened, "done": done, "refused": refused or [], "tried": tried,
            "typed": request.form.to_dict() if refused else {}, "concerns": passing.concerns,
        }  # fmt: skip
        if opened:
            values |= self._details(line, actor)
        if "HX-Request" in request.headers:
            return self.render("clocks/_lines.html", **values)
        return self.render("clocks/item.html", title=f"{line.unit_code} {line.item.label}".strip(), **values)

    def _details(self, line: QueueLine, actor: Actor) -> dict[str, Any]:
        """What an opened line shows beyond the line itself."""
        record = _record(line, actor)
        values: dict[str, Any] = {
            "record": record,
            "facts": [],
            "files": [],
            "offers": [],
            "clocks": [],
            "address": "",
            "people": [],
        }
        if record is None:
            return values
        view = next((v for v in record_views().values() if v.datamodel.obj is type(record)), None)
        if view:
            attributes = [a for _title, group in view.shown for a in group]
            view.datamodel.load_references([record], attributes)
            values["facts"] = [cell for a in attributes if not (cell := view.cell(record, a)).empty][:FACTS]
            values["files"] = [f for f in attachments_of(db.session, record) if f.kind != "signature"]
        page = registry().record_pages.get(line.item.record_type)
        values["address"] = page(record.id) if page else view.address_of(record) if view else ""
        values["clocks"] = [c for c in deadlines_of(db.session, record) if c.deadline.item_id == line.item.id]
        if line.item.closed_at is None:
            workflow = workflow_of(line.described)
            values["offers"] = workflow.offers(record, actor) if workflow else _commands(line, record, actor)
            if passing.concerns(actor, line.item):
                values["people"] = _colleagues(actor, line.item)
        return values


def _record(line: QueueLine, actor: Actor) -> Record | None:
    """The record, for who may read such records."""
    return passing.record_of(db.session, line.item) if actor.may("read", line.described.resource) else None


def _commands(line: QueueLine, record: Record, actor: Actor) -> list[Offer]:
    """Commands of the kind that the record and the rights allow now, as they are offered."""
    return [
        Offer(command, ())  # type: ignore[arg-type]  # a command is shown like a transition
        for command in line.described.commands
        if command.when(record) and actor.may(command.verb, command.resource)
    ]


def _command(record: Record, command: WorkCommand, given: Mapping[str, str], actor: Actor) -> None:
    actor.require(command.verb, command.resource)
    if not command.when(record):
        raise InvalidValue(_("“%(action)s” is no longer possible.", action=str(command.title)))
    asked = {ask.name: given.get(ask.name, "").strip() for ask in command.asks}
    if lacking := unanswered(command.asks, asked):
        raise InvalidValue(" ".join(lacking))
    command.run(db.session, record, actor=actor, **asked)


def _colleagues(actor: Actor, item: WorkItem) -> list[tuple[int, str]]:
    """Active people who serve the estate, but the one who has the work: id and name, by name."""
    rows = db.session.scalars(
        select(Account)
        .join(Membership, (Membership.user_id == Account.id) & (Membership.estate_id == actor.estate_id))
        .where(Account.active.is_(True), Account.id != (item.assignee_id or 0))
        .order_by(Account.last_name, Account.first_name, Account.id)
        .limit(COLLEAGUES)
    )
    return [(account.id, account.display_name) for account in rows]


def _sentences(outcome: Outcome) -> list[str]:
    return [sentence for found in outcome.errors.values() for sentence in found]


MINE = MenuCount(
    name="mine", title=_l("Open work of mine"), endpoint="WorkPage.index", arguments=(("tab", "mine"),), icon="inbox",
    count=lambda session, actor: count(session, actor, Asked(Tab.MINE)), order=10,
)  # fmt: skip
LATE = MenuCount(
    name="late", title=_l("Overdue work of mine"), endpoint="WorkPage.index", arguments=(("tab", "mine"), ("late", "1")),
    icon="hourglass", count=lambda session, actor: count(session, actor, Asked(Tab.MINE, late=True)), alarm=True, order=20,
)  # fmt: skip


COLOURS = {Standing.COMING: "blue", Standing.IN_FORCE: "green", Standing.OVER: "secondary", Standing.ENDED: "secondary"}


class DelegationView(RecordView):
    """One's own delegations and those to oneself; managers see all of the estate."""

    datamodel = RecordInterface(Delegation)
    resource = "Delegation"
    route_base = "/delegations"
    list_title = _l("Delegations")
    show_title = _l("Delegation")
    add_title = _l("Delegate my work")
    intro = _l(
        "While a delegation lasts, the colleague sees your work under “Mine” and may do in this estate what you may do; the "
        "change log says for whom it was done. What a colleague delegated to you cannot be passed on to a third person."
    )
    empty_hint = _l("Delegate your work before a leave, so that nothing waits for you.")
    list_columns = ("delegator_id", "delegate_id", "from_on", "until_on", "reason", "standing")
    order_columns = ("from_on", "until_on")
    search_columns = ("from_on", "until_on", "reason")
    base_order = (("from_on", "desc"), ("id", "desc"))
    add_columns = ("delegate_id", "from_on", "until_on", "reason")
    show_columns = ("delegator_id", "delegate_id", "from_on", "until_on", "reason", "ended_at", "standing")
    label_columns = {"standing": _l("Standing")}
    list_cell = {"standing": lambda entry: cells.badge(entry.standing.title, COLOURS[entry.standing])}
    show_template = "clocks/delegation.html"

    def scope(self) -> list[Any]:
        return [delegation.visible_to(current_actor())]

    def defaults(self) -> dict[str, Any]:
        return {"from_on": estate_today(db.session, current_actor().estate_id or 0)}

    def create(self, values: dict[str, Any], *, actor: Actor) -> Delegation:
        return delegation.delegate(db.session, **values, actor=actor)

    def _page_of(self, record: Delegation, **more: Any) -> str:
        actor = current_actor()
        lasting = record.standing in (Standing.COMING, Standing.IN_FORCE)
        may_end = lasting and (record.delegator_id == actor.user_id or actor.may("end", "Delegation"))
        return super()._page_of(record, may_end=may_end, **more)

    @expose("/<int:pk>/end", methods=["POST"])
    @requires("read")
    def end(self, pk: int) -> Response:
        """End a delegation before its last day."""
        record = self.record_or_404(pk)
        done: Response = self.command(
            lambda: delegation.end(db.session, record, actor=current_actor()),
            done=_("The delegation has ended."), then=self.address_of(record),
        )  # fmt: skip
        return done
