"""Reads of the move-in: where a case stands, who did which step when, and its six records (MI-02, MI-04)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, bindparam, exists, func, select
from sqlalchemy.orm import Session, joinedload

from app.core.access.actor import Actor
from app.core.audit.models import AuditEntry
from app.core.clocks.queue import count_text, counted
from app.core.records.choices import in_language
from app.core.registry import registry
from app.core.search.provider import Hit
from app.core.workflow.table import Offer, Transition, blockers
from app.modules.fees.queries import standing_bills
from app.modules.movein.models import MoveInCase
from app.modules.movein.states import STEPS, CaseState, DefectState, ServiceState
from app.modules.movein.workflow import MOVE_IN

FORWARD: dict[CaseState, tuple[Transition, ...]] = {
    step: tuple(
        t for t in MOVE_IN.transitions
        if step in t.sources and t.target in (*STEPS, CaseState.COMPLETED) and not t.verb == "step_back"
    )
    for step in STEPS
}  # fmt: skip
"""The transitions that finish a step; the inspection has two."""

PAPERS_AT: dict[str, tuple[str, ...]] = {
    CaseState.DOCUMENTS: ("F16", "F17"),
    CaseState.REGISTRATION: ("F10",),
    CaseState.SIGNING: ("F02", "F03", "F06", "F07"),
    CaseState.HANDOUT: ("F01", "F04", "F05", "F08", "F09", "F12"),
    CaseState.INSPECTION: ("F01", "F11"),
    CaseState.KEYS: ("F13",),
    "services": ("F14",),
}
"""Papers needed at a step, in the order in which the counter reaches for them; the fee record hangs on its bill."""


@dataclass(frozen=True)
class Step:
    """A step of the case as its page shows it: ``done``, ``now`` or ``ahead``.

    ``missing`` says what the step still needs before it can be finished; only given for the step the case stands at.
    """

    state: CaseState
    status: str
    at: datetime | None = None
    who: str = ""
    missing: tuple[str, ...] = ()

    @property
    def title(self) -> Any:
        return self.state.title


@dataclass(frozen=True)
class CaseRecord:
    """One of the six records kept of a move-in (MI-02): form code, what stands in it, and the step where it is kept."""

    code: str
    said: str
    complete: bool
    panel: str


_CASE: Any = MoveInCase.__table__
WAITING = {
    state.value: counted(select(_CASE.c.id).where(_CASE.c.estate_id == bindparam("estate"), _CASE.c.state == state))
    for state in (*STEPS, CaseState.REFUSED)
}
"""Open cases of an estate by step, counted up to :data:`~app.core.clocks.queue.MOST`."""


def steps_waiting(session: Session, actor: Actor, **counts: int) -> dict[str, Any]:
    """Values of ``movein/_home.html`` from the counts of :data:`WAITING`."""
    return {"steps": [(CaseState(step), count_text(count)) for step, count in counts.items() if count]}


def transitions_of(session: Session, case: MoveInCase) -> Sequence[AuditEntry]:
    """Every transition the case made, oldest first."""
    return session.scalars(
        select(AuditEntry)
        .where(
            AuditEntry.record_type == MoveInCase.__tablename__,
            AuditEntry.record_id == case.id,
            AuditEntry.kind == "transition",
        )
        .order_by(AuditEntry.id)
    ).all()


def fact(entry: AuditEntry, name: str) -> str:
    """What a log entry says about ``name`` (transition, source, target, reason)."""
    return str((entry.changes.get(name) or [None, ""])[1] or "")


def ending_of(case: MoveInCase, history: Sequence[AuditEntry]) -> AuditEntry | None:
    """The transition that closed the case."""
    return next((e for e in reversed(history) if fact(e, "target") == case.state), None) if not case.is_open else None


def place_of(case: MoveInCase, history: Sequence[AuditEntry]) -> int:
    """How many steps lie behind the case; of a withdrawn one, how many did when it was withdrawn."""
    state = str(case.state)
    if state == CaseState.COMPLETED:
        return len(STEPS)
    if state == CaseState.WITHDRAWN:
        state = fact(history[-1], "source") if history else str(CaseState.DOCUMENTS)
    return STEPS.index(CaseState.INSPECTION if state == CaseState.REFUSED else CaseState(state))


def steps_of(case: MoveInCase, history: Sequence[AuditEntry], missing: Sequence[str]) -> list[Step]:
    """The seven steps, each done by whom and when, or with exactly what it still needs (``missing``; MI-04)."""
    place = place_of(case, history)
    finished = {name: step for step, ways in FORWARD.items() for name in (t.name for t in ways)}
    latest = {finished[name]: entry for entry in history if (name := fact(entry, "transition")) in finished}
    steps = []
    for number, state in enumerate(STEPS):
        if number < place:
            entry = latest.get(state)
            steps.append(Step(state, "done", entry.at if entry else None, entry.actor_name if entry else ""))
        elif number == place and case.is_open:
            steps.append(Step(state, "now", missing=tuple(missing)))
        else:
            steps.append(Step(state, "ahead"))
    return steps


def missing_at(case: MoveInCase, actor: Actor) -> list[str]:
    """What the step the case stands at still needs, whoever looks."""
    if case.state == CaseState.REFUSED:
        left = sum(1 for d in case.defects if d.state == DefectState.OPEN)
        return [_("%(count)s defects are not reported rectified yet.", count=left)] if left else []
    ways = FORWARD.get(case.state)
    return blockers(way_forward(case, ways), case, actor) if ways else []


def way_forward(case: MoveInCase, ways: Sequence[Transition]) -> Transition:
    """The way out of a step; the inspection is left with or without a list of defects (MI-11)."""
    by_name = {t.name: t for t in ways}
    if "accept_with_defects" in by_name and any(d.state != DefectState.VERIFIED for d in case.defects):
        return by_name["accept_with_defects"]
    return ways[0]


def next_offer(case: MoveInCase, offers: Sequence[Offer]) -> Offer | None:
    """The one next step the actor can take now or once its gate is open; nothing when it is another person's."""
    ways = FORWARD.get(case.state) or tuple(o.transition for o in offers if o.transition.primary)
    if not ways:
        return None
    way = way_forward(case, ways)
    return next((o for o in offers if o.transition is way), None)


def records_of(session: Session, case: MoveInCase) -> list[CaseRecord]:
    """The six records of MI-02 and the state of each."""
    return [
        _signed_record(case, "F10", CaseState.REGISTRATION),
        _signed_record(case, "F11", CaseState.INSPECTION),
        _signed_record(case, "F12", CaseState.HANDOUT),
        _signed_record(case, "F13", CaseState.KEYS),
        _services_record(case),
        _fees_record(session, case),
    ]


def _signed_record(case: MoveInCase, code: str, panel: CaseState) -> CaseRecord:
    signature = case.signature(code)
    said = _("Signed by %(name)s", name=signature.signer) if signature else _("Not signed")
    return CaseRecord(code, said, signature is not None, panel)


def _services_record(case: MoveInCase) -> CaseRecord:
    wanted = [s for s in case.services if s.state != ServiceState.CANCELLED]
    left = [s for s in wanted if s.state == ServiceState.OPEN]
    if not wanted:
        return CaseRecord("F14", _("Nothing entrusted"), True, "services")
    said = _("%(count)s entrusted, %(open)s to be done", count=len(wanted), open=len(left))
    return CaseRecord("F14", said, not left, "services")


def _fees_record(session: Session, case: MoveInCase) -> CaseRecord:
    bills = standing_bills(session, case)
    if not bills:
        return CaseRecord("F15", _("No bill yet"), False, CaseState.FEES)
    if any(bill.outstanding for bill in bills):
        return CaseRecord("F15", _("Billed, not fully paid"), False, CaseState.FEES)
    return CaseRecord("F15", _("Paid"), True, CaseState.FEES)


def paper_title(code: str) -> str:
    """The name of a form in the reader's language, as its paper prints it."""
    kind = registry().papers.get(code)
    return in_language(kind.title_zh, kind.title_en) if kind else code


def cases_of_unit(session: Session, unit_id: int) -> Sequence[MoveInCase]:
    """Move-ins of a unit, newest first."""
    return session.scalars(
        select(MoveInCase)
        .where(MoveInCase.unit_id == unit_id)
        .options(joinedload(MoveInCase.owner))
        .order_by(MoveInCase.id.desc())
    ).all()


def _numbered(text: str) -> ColumnElement[bool] | None:
    wanted = text.strip().upper()
    return func.upper(MoveInCase.number).contains(wanted, autoescape=True) if len(wanted) >= 3 else None


def any_case(text: str) -> ColumnElement[bool] | None:
    """Whether :func:`find_cases` may find one; None for texts too short."""
    wanted = _numbered(text)
    return None if wanted is None else exists().where(wanted)


def find_cases(session: Session, text: str, limit: int) -> list[Hit]:
    """Cases whose number contains ``text``, newest first; for the search box."""
    from flask import url_for

    wanted = _numbered(text)
    if wanted is None:
        return []
    found = session.scalars(
        select(MoveInCase)
        .where(wanted)
        .options(joinedload(MoveInCase.unit), joinedload(MoveInCase.owner))
        .order_by(MoveInCase.id.desc())
        .limit(limit)
    ).all()
    return [
        Hit(
            case.number,
            f"{case.unit} · {case.owner} · {case.state.title}",
            url_for("MoveInCaseView.show", pk=case.id),
            "key",
        )
        for case in found
    ]
