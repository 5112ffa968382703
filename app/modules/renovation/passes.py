"""Every write on workers and passes (RN-06, RN-08, RN-11, RN-12; forms C2, C3, C7)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor, system_actor
from app.core.clocks.services import rule_of
from app.core.files.models import Attachment
from app.core.files.services import attach, forget
from app.core.records.base import now
from app.core.records.clock import estate_time, estate_today
from app.core.records.identifiers import InvalidValue, id_document, mobile
from app.core.records.numbering import next_number
from app.core.records.refusals import FieldErrors
from app.core.workflow.table import Blocked
from app.modules.people.models import IdKind
from app.modules.renovation.effects import KEPT_AFTER
from app.modules.renovation.models import Renovation
from app.modules.renovation.pass_models import RenovationWorker, TemporaryPass, WorkerConduct
from app.modules.renovation.pass_queries import RULE, takes_workers, usual_days, why_not
from app.modules.renovation.pass_workflow import PASS, WORKER
from app.modules.renovation.services import assign_checked
from app.modules.renovation.states import (
    ENDED,
    FOLLOWED,
    NOTED,
    PERMITTED,
    Conduct,
    PassKind,
    PassState,
    WorkerState,
)
from app.modules.renovation.workflow import RENOVATION

SERIES, LONGEST_DAYS = "TP", 30


def register_worker(
    session: Session, renovation: Renovation, values: Mapping[str, Any], *, actor: Actor
) -> RenovationWorker:
    """Enter a worker of the crew (F27); who entered them does not verify them.

    Raises:
        InvalidValue: the renovation takes no workers now.
        FieldErrors: a number that cannot be, or this document is registered here already.
    """
    actor.require("create", "RenovationWorker")
    if not takes_workers(renovation):
        raise InvalidValue(_l("Workers are registered once the application is submitted."))
    worker = RenovationWorker(estate_id=renovation.estate_id, renovation=renovation)
    change_worker(session, worker, values)
    session.add(worker)
    session.flush()
    WORKER.follow(session, worker)
    RENOVATION.follow(session, renovation)
    return worker


def change_worker(session: Session, worker: RenovationWorker, values: Mapping[str, Any]) -> None:
    """Set what is known of a worker; raises ``FieldErrors`` for a number that cannot be or is registered here already."""
    kind = values.get("id_kind") or worker.id_kind or IdKind.RESIDENT_ID
    with session.no_autoflush:
        assign_checked(worker, values, {"mobile": mobile, "id_no": lambda text: id_document(kind, text)})
        if worker.id_no:
            same = select(RenovationWorker.id).where(
                RenovationWorker.renovation_id == (worker.renovation_id or worker.renovation.id),
                RenovationWorker.secret_is("id_no", worker.id_no),
            )
            if session.scalar(same) not in (None, worker.id):
                raise FieldErrors({"id_no": _("This worker is registered here already.")})


def register_crew(
    session: Session,
    renovation: Renovation,
    crew: Sequence[tuple[Mapping[str, Any], FileStorage | None]],
    *,
    actor: Actor,
) -> list[RenovationWorker]:
    """Enter several workers at once, each with what is known of them and a photo or None (RN-02, RN-06).

    Raises:
        InvalidValue: the renovation takes no workers now, or nobody is named.
        FieldErrors: what cannot be, by ``<line>.<column>``; nobody is entered then.
    """
    actor.require("create", "RenovationWorker")
    if not crew:
        raise InvalidValue(_l("Enter at least one worker."))
    errors: dict[str, str] = {}
    for line, (values, _photo) in enumerate(crew):
        if not values.get("name") or not values.get("trade"):
            errors[f"{line}.name"] = _("Name and trade are needed.")
        try:
            change_worker(session, RenovationWorker(renovation_id=renovation.id), values)
        except FieldErrors as refused:
            errors |= {f"{line}.{column}": sentence for column, sentence in refused.errors.items()}
    if errors:
        raise FieldErrors(errors)
    entered = []
    for line, (values, photo) in enumerate(crew):
        try:
            worker = register_worker(session, renovation, values, actor=actor)
        except FieldErrors as refused:  # the same document twice in one list
            raise FieldErrors({f"{line}.{column}": said for column, said in refused.errors.items()}) from None
        if photo is not None:
            keep_photo(session, worker, photo, actor=actor)
        entered.append(worker)
    return entered


def keep_photo(session: Session, worker: RenovationWorker, photo: FileStorage, *, actor: Actor) -> None:
    """The worker's portrait for the pass, from camera or file."""
    worker.photo_id = attach(session, worker, photo, kind="photo", actor=actor).id
    session.flush()


def decide_worker(session: Session, worker: RenovationWorker, name: str, *, note: str = "", actor: Actor) -> None:
    """``verify`` or ``refuse`` a worker (RN-06), or let them ``leave``; the renovation waits for the next one then."""
    WORKER.fire(session, worker, name, actor=actor, inputs={"remark": note})


def issue_pass(
    session: Session, worker: RenovationWorker, *, valid_from: date, valid_to: date, received_by: str = "",
    follows: TemporaryPass | None = None, kind: PassKind = PassKind.FIRST, actor: Actor,
) -> TemporaryPass:  # fmt: skip
    """Issue a temporary pass (F28): one person, one pass, inside the permit, at most 30 days.

    Raises:
        Blocked: the worker is not verified, has a valid pass, or there is no running permit.
        FieldErrors: days outside the permit or more than the rule allows.
    """
    actor.require("issue", "TemporaryPass")
    renovation = worker.renovation
    first, last = renovation.permit_from, renovation.permit_to
    if first is None or last is None or renovation.state not in PERMITTED:
        raise Blocked([_("There is no running permit.")])
    if worker.state != WorkerState.VERIFIED:
        raise Blocked([_("Only verified workers get a pass.")])
    if any(one.state == PassState.VALID for one in worker.passes):
        raise Blocked([_("This worker has a valid pass already.")])
    if valid_from < first or valid_to > last:
        raise FieldErrors({"valid_to": _("The permit holds from %(first)s to %(last)s.", first=first, last=last)})
    if valid_to < valid_from:
        raise FieldErrors({"valid_to": _("The last day comes before the first one.")})
    longest = min(LONGEST_DAYS, rule_of(session, renovation.estate_id, RULE).amount + 1)
    if (valid_to - valid_from).days >= longest:
        raise FieldErrors({"valid_to": _("A pass holds %(days)s days at most; extend it later.", days=longest)})
    year = estate_today(session, renovation.estate_id).year
    one = TemporaryPass(
        estate_id=renovation.estate_id, number=next_number(session, renovation.estate_id, SERIES, year), kind=kind,
        renovation_id=renovation.id, worker=worker, unit_id=renovation.unit_id, permit_from=first, permit_to=last,
        valid_from=valid_from, valid_to=valid_to, follows_id=follows.id if follows else None,
        token=secrets.token_urlsafe(16), received_by=received_by.strip()[:100] or worker.name, issued_at=now(),
        issued_by_name=actor.name,
    )  # fmt: skip
    session.add(one)
    session.flush()
    session.expire(renovation, ["passes"])
    PASS.follow(session, one)
    RENOVATION.follow(session, renovation)
    return one


def issue_passes(
    session: Session, workers: Iterable[RenovationWorker], *, valid_from: date, valid_to: date, actor: Actor
) -> list[TemporaryPass]:
    """:func:`issue_pass` for several workers with the same days; all get theirs or nobody does."""
    return [issue_pass(session, worker, valid_from=valid_from, valid_to=valid_to, actor=actor) for worker in workers]


def follow_pass(
    session: Session, old: TemporaryPass, *, valid_to: date, received_by: str = "", actor: Actor
) -> TemporaryPass:
    """Extend a pass with a new one, or replace a lost one by a new one of the same worker.

    Raises as :func:`issue_pass`, and ``Blocked`` for a pass that was revoked, handed back or replaced already.
    """
    actor.require("issue", "TemporaryPass")
    if old.state not in FOLLOWED:
        raise Blocked([_("The pass is “%(state)s”; it gets no successor.", state=str(old.state.title))])
    first, _last = usual_days(session, old.worker.renovation)
    lost = old.state == PassState.LOST
    if not lost:
        PASS.fire(session, old, "replace", actor=system_actor(estate_id=old.estate_id))
    kind = PassKind.REPLACEMENT if lost else PassKind.EXTENSION
    return issue_pass(
        session, old.worker, valid_from=first, valid_to=valid_to, received_by=received_by, follows=old, kind=kind, actor=actor
    )  # fmt: skip


def note_conduct(
    session: Session, worker: RenovationWorker, *, kind: str, note: str = "", action: str = "", actor: Actor
) -> WorkerConduct:
    """A line of the worker management record (F32): a ``briefing`` or ``misconduct``.

    Raises:
        FieldErrors: no such kind of line, or misconduct without saying what happened.
    """
    actor.require("note", "RenovationWorker")
    if kind not in NOTED:
        raise FieldErrors({"kind": _("Choose what happened.")})
    if kind == Conduct.MISCONDUCT and not note.strip():
        raise FieldErrors({"note": _("Say what happened.")})
    return _line(session, worker, Conduct(kind), note=note, action=action, actor=actor)


def _line(
    session: Session, worker: RenovationWorker, kind: Conduct, *, note: str, action: str = "", actor: Actor
) -> WorkerConduct:
    line = WorkerConduct(
        estate_id=worker.estate_id, renovation_id=worker.renovation_id, worker=worker, kind=kind.value, at=now(),
        note=note.strip()[:300], action=action.strip()[:300], by_name=actor.name,
    )  # fmt: skip
    session.add(line)
    session.flush()
    return line


def let_through(session: Session, one: TemporaryPass, kind: str, *, actor: Actor) -> WorkerConduct:
    """Note at the gate that the holder comes in (``entry``) or goes out (``exit``) (RN-11).

    Raises:
        Blocked: the pass opens the gate to nobody now; going out is always noted.
    """
    actor.require("gate", "TemporaryPass")
    if kind not in (Conduct.ENTRY, Conduct.EXIT):
        raise InvalidValue(_l("Choose entry or exit."))
    if kind == Conduct.ENTRY and (reason := why_not(session, one)):
        raise Blocked([reason])
    if one.worker.entered_on is None:
        one.worker.entered_on = estate_today(session, one.estate_id)
    return _line(session, one.worker, Conduct(kind), note=one.number, actor=actor)


def forget_workers(session: Session) -> int:
    """Remove ID numbers, telephones and photos of workers whose ``keep_until`` has gone by, and numbers and telephones
    of crew leaders as long after the end of their renovation; tells how many people.
    """
    old = select(RenovationWorker).where(
        RenovationWorker.forgotten_at.is_(None), RenovationWorker.keep_until <= now().date()
    )
    count = 0
    for worker in session.scalars(old.order_by(RenovationWorker.id)):
        if worker.keep_until is None or worker.keep_until >= estate_today(session, worker.estate_id):
            continue
        photo = session.get(Attachment, worker.photo_id) if worker.photo_id else None
        worker.id_no = worker.mobile = worker.photo_id = None
        worker.forgotten_at = now()
        session.flush()
        if photo is not None:
            forget(session, photo)
        count += 1
    count += _forget_leaders(session)
    session.commit()
    return count


def _forget_leaders(session: Session) -> int:
    """A rejected or withdrawn application bears no day of its end: the last change to it is that or comes after."""
    known = or_(Renovation.leader_id_no.is_not(None), Renovation.leader_mobile.is_not(None))
    count = 0
    for renovation in session.scalars(
        select(Renovation).where(Renovation.state.in_(ENDED), known).order_by(Renovation.id)
    ):
        ended_on = renovation.accepted_on or estate_time(session, renovation.estate_id, renovation.changed_at).date()
        if ended_on + KEPT_AFTER < estate_today(session, renovation.estate_id):
            renovation.leader_id_no = renovation.leader_mobile = None
            count += 1
    return count
