"""Every write on workers and passes (RN-06, RN-08, RN-11, RN-12; forms C2, C3, C7)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor, system_actor
from app.core.clocks.services import last_day, rule_of
from app.core.files.services import attach
from app.core.records.base import now
from app.core.records.clock import bounds_of, estate_today
from app.core.records.identifiers import InvalidValue, id_document, mobile
from app.core.records.numbering import next_number
from app.core.records.refusals import FieldErrors
from app.core.workflow.table import Blocked
from app.modules.people.models import IdKind
from app.modules.renovation.models import Renovation
from app.modules.renovation.pass_models import RenovationWorker, TemporaryPass, WorkerConduct
from app.modules.renovation.pass_workflow import PASS, WORKER
from app.modules.renovation.services import assign_checked
from app.modules.renovation.states import ENDED, OUT, SITE, Conduct, PassKind, PassState, RenovationState, WorkerState
from app.modules.renovation.workflow import RENOVATION

PASS_RULE, SERIES, LONGEST_DAYS = "renovation.pass", "TP", 30


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


def takes_workers(renovation: Renovation) -> bool:
    """Whether workers can be registered: from the submission until the end."""
    return renovation.state not in (*ENDED, RenovationState.DRAFT)


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


def usual_days(session: Session, renovation: Renovation) -> tuple[date, date]:
    """First and last day of a pass issued today: as long as the estate's rule says, never beyond the permit."""
    today = max(estate_today(session, renovation.estate_id), renovation.permit_from or date.min)
    return today, min(last_day(session, renovation.estate_id, PASS_RULE), renovation.permit_to or date.max)


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
    if first is None or last is None or renovation.state not in (RenovationState.PASSES, *SITE):
        raise Blocked([_("There is no running permit.")])
    if worker.state != WorkerState.VERIFIED:
        raise Blocked([_("Only verified workers get a pass.")])
    if any(one.state == PassState.VALID for one in worker.passes):
        raise Blocked([_("This worker has a valid pass already.")])
    if valid_from < first or valid_to > last:
        raise FieldErrors({"valid_to": _("The permit holds from %(first)s to %(last)s.", first=first, last=last)})
    if valid_to < valid_from:
        raise FieldErrors({"valid_to": _("The last day comes before the first one.")})
    longest = min(LONGEST_DAYS, rule_of(session, renovation.estate_id, PASS_RULE).amount + 1)
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


def waiting_for_pass(renovation: Renovation) -> list[RenovationWorker]:
    """Verified workers without a valid pass."""
    holders = {one.worker_id for one in renovation.passes if one.state == PassState.VALID}
    return [w for w in renovation.workers if w.state == WorkerState.VERIFIED and w.id not in holders]


def follow_pass(
    session: Session, old: TemporaryPass, *, valid_to: date, received_by: str = "", actor: Actor
) -> TemporaryPass:
    """Extend a pass with a new one, or replace a lost one by a new one of the same worker.

    Raises as :func:`issue_pass`, and ``Blocked`` for a pass that was revoked, handed back or replaced already.
    """
    actor.require("issue", "TemporaryPass")
    if old.state not in (PassState.VALID, PassState.EXPIRED, PassState.LOST):
        raise Blocked([_("The pass is “%(state)s”; it gets no successor.", state=str(old.state.title))])
    today = estate_today(session, old.estate_id)
    lost = old.state == PassState.LOST
    if not lost:
        PASS.fire(session, old, "replace", actor=system_actor(estate_id=old.estate_id))
    kind = PassKind.REPLACEMENT if lost else PassKind.EXTENSION
    return issue_pass(
        session, old.worker, valid_from=today, valid_to=valid_to, received_by=received_by, follows=old, kind=kind, actor=actor
    )  # fmt: skip


def note_conduct(
    session: Session, worker: RenovationWorker, *, kind: str, note: str = "", action: str = "", actor: Actor
) -> WorkerConduct:
    """A line of the worker management record (F32): ``briefing``, ``entry``, ``exit`` or ``misconduct``.

    Raises:
        FieldErrors: no such kind of line, or misconduct without saying what happened.
    """
    if kind not in {one.value for one in Conduct}:
        raise FieldErrors({"kind": _("Choose what happened.")})
    if kind == "misconduct" and not note.strip():
        raise FieldErrors({"note": _("Say what happened.")})
    line = WorkerConduct(
        estate_id=worker.estate_id, renovation_id=worker.renovation_id, worker=worker, kind=kind, at=now(),
        note=note.strip()[:300], action=action.strip()[:300], by_name=actor.name,
    )  # fmt: skip
    session.add(line)
    session.flush()
    return line


@dataclass(frozen=True)
class GateAnswer:
    """What the gate is told of a pass: whether its holder may in now, else why not."""

    found: TemporaryPass | None
    reason: str = ""

    @property
    def valid(self) -> bool:
        return self.found is not None and not self.reason


def at_gate(session: Session, text: str) -> GateAnswer:
    """Look a pass up by what its QR code says or by its number, or the end of it."""
    typed = text.strip().rpartition("/")[2]
    wanted = (TemporaryPass.token == typed) | (TemporaryPass.number == typed.upper())
    one = session.scalar(select(TemporaryPass).where(wanted)) if typed else None
    if one is None and typed.isascii() and typed.isdigit() and len(typed) >= 3:
        ends = TemporaryPass.number.endswith(f"-{typed.zfill(5)}", autoescape=True)
        one = session.scalar(select(TemporaryPass).where(ends).order_by(TemporaryPass.id.desc()).limit(1))
    if one is None:
        return GateAnswer(None, _("There is no such pass."))
    return answer_for(session, one)


def answer_for(session: Session, one: TemporaryPass) -> GateAnswer:
    """What the gate is told of this pass now."""
    return GateAnswer(one, _why_not(session, one))


def _why_not(session: Session, one: TemporaryPass) -> str:
    today = estate_today(session, one.estate_id)
    if one.state != PassState.VALID:
        return _("The pass is not valid: %(state)s.", state=str(one.state.title))
    if not one.valid_from <= today <= one.valid_to:
        return _("Valid from %(first)s to %(last)s only.", first=one.valid_from, last=one.valid_to)
    if one.renovation.state == RenovationState.SUSPENDED:
        return _("The work in unit %(unit)s is stopped.", unit=one.unit.code)
    if one.renovation.state not in SITE:
        return _("There is no work going on in unit %(unit)s.", unit=one.unit.code)
    return ""


def let_through(session: Session, one: TemporaryPass, kind: str, *, actor: Actor) -> WorkerConduct:
    """Note at the gate that the holder comes in (``entry``) or goes out (``exit``) (RN-11).

    Raises:
        Blocked: the pass opens the gate to nobody now; going out is always noted.
    """
    actor.require("gate", "TemporaryPass")
    if kind not in ("entry", "exit"):
        raise InvalidValue(_l("Choose entry or exit."))
    if kind == "entry" and (reason := _why_not(session, one)):
        raise Blocked([reason])
    if one.worker.entered_on is None:
        one.worker.entered_on = estate_today(session, one.estate_id)
    return note_conduct(session, one.worker, kind=kind, note=one.number, actor=actor)


def inside_now(session: Session, estate_id: int) -> Sequence[WorkerConduct]:
    """Entries of today without an exit since: who is on the sites now, newest first."""
    today = estate_today(session, estate_id)
    start, _end = bounds_of(session, estate_id, today, today)
    last = (
        select(func.max(WorkerConduct.id))
        .where(
            WorkerConduct.estate_id == estate_id, WorkerConduct.kind.in_(("entry", "exit")), WorkerConduct.at >= start
        )
        .group_by(WorkerConduct.worker_id)
    )
    entries = select(WorkerConduct).where(WorkerConduct.id.in_(last), WorkerConduct.kind == "entry")
    shown = joinedload(WorkerConduct.worker).joinedload(RenovationWorker.renovation).joinedload(Renovation.unit)
    return session.scalars(entries.options(shown).order_by(WorkerConduct.id.desc())).all()


def passes_out(passes: Iterable[TemporaryPass]) -> list[TemporaryPass]:
    """Passes that somebody still has to hand back."""
    return [one for one in passes if one.state in OUT]


def forget_workers(session: Session) -> int:
    """Remove ID numbers, telephones and photos of workers whose ``keep_until`` has gone by; tells how many."""
    from app.core.files.models import Attachment
    from app.core.files.services import forget

    old = select(RenovationWorker).where(
        RenovationWorker.forgotten_at.is_(None), RenovationWorker.keep_until.is_not(None)
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
    session.commit()
    return count
