"""Every write on inspection and settlement (RN-12, RN-13; forms C8, C9; Decree 110 arts. 30, 32)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor
from app.core.access.roles import Role
from app.core.clocks import services as clocks
from app.core.files.services import attach
from app.core.records.amounts import money
from app.core.records.base import now
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.core.workflow.documents import enter
from app.modules.checks.services import record_finding
from app.modules.checks.states import Severity
from app.modules.renovation.completion_models import CompletionInspection, RenovationSettlement, SettlementDeduction
from app.modules.renovation.models import Renovation
from app.modules.renovation.set_off import deposits_held, reckon
from app.modules.renovation.settlement_workflow import SETTLEMENT
from app.modules.renovation.states import (
    DONE,
    InspectionResult,
    InspectionRound,
    PointResult,
    RenovationState,
    SettlementState,
)
from app.modules.renovation.workflow import RENOVATION

SECOND_WORK = SECOND_RULE = "renovation.second_inspection"
SERIES = "RS"
POINTS: Mapping[str, Any] = {
    "structure": _l("Load-bearing structure untouched"),
    "facade": _l("Façade and air-conditioner places"),
    "waterproofing": _l("Waterproofing and ponding test"),
    "drainage": _l("Water supply and drainage run freely"),
    "gas_heating": _l("Gas and heating not altered"),
    "electrical": _l("Electrical installation"),
    "flue": _l("Flue and check valve"),
    "common_parts": _l("Common parts undamaged"),
    "waste": _l("Waste removed"),
    "access": _l("Access openings kept"),
    "as_approved": _l("As approved and drawn"),
    "violations": _l("All violations closed"),
    "passes": _l("All passes handed back"),
}
"""The checklist of the completion inspection by code (forms C8)."""
CATEGORIES: Mapping[str, str] = {
    **dict.fromkeys(("structure", "facade", "as_approved"), "renovation_structure"),
    **dict.fromkeys(
        ("waterproofing", "drainage", "gas_heating", "electrical", "flue", "access"), "renovation_installations"
    ),
    **dict.fromkeys(("common_parts", "waste", "violations", "passes"), "renovation_order"),
}
"""Under which category of the checks a point counts that is not right."""


def inspect(
    session: Session, renovation: Renovation, *, points: Mapping[str, str], findings: str = "", ponding_record: str = "",
    warranty_received: bool = False, present: str = "", photos: Sequence[FileStorage] = (), actor: Actor,
) -> CompletionInspection:  # fmt: skip
    """Enter an inspection and let the renovation go on: accepted, or to be rectified (C8).

    After acceptance this is the second inspection: what it finds goes to the site supervisor as a finding of the checks.
    A point that is a violation fails it. With the acceptance the second inspection is planned.

    Raises:
        InvalidValue: nothing is to be inspected now, or the second inspection is over.
        FieldErrors: a point without an answer, a failure without words, or the ponding test of a new waterproof layer.
        Blocked: passes are out or violations open, so that it cannot be accepted.
    """
    actor.require("inspect", "Renovation")
    second = renovation.state in DONE
    if not inspectable(renovation):
        over, early = _l("The second inspection is entered already."), _l("The acceptance is not requested yet.")
        raise InvalidValue(over if second else early)
    unanswered = [str(title) for code, title in POINTS.items() if points.get(code) not in set(PointResult)]
    if unanswered:
        raise FieldErrors({"points": _("Not answered yet: %(points)s.", points="、".join(unanswered))})
    failed = PointResult.VIOLATION in points.values()
    if failed and not findings.strip():
        raise FieldErrors({"findings": _("Say what is not right.")})
    if renovation.waterproof and not second and not failed and not ponding_record.strip():
        raise FieldErrors({"ponding_record": _("The waterproof layer was altered: enter the ponding test.")})
    inspection = CompletionInspection(
        estate_id=renovation.estate_id, renovation=renovation, inspected_at=now(), inspector_id=actor.user_id,
        inspector_name=actor.name, points={code: points[code] for code in POINTS}, findings=findings.strip(),
        round=InspectionRound.SECOND if second else InspectionRound.FIRST,
        result=InspectionResult.FAILED if failed else InspectionResult.PASSED, ponding_record=ponding_record.strip()[:200],
        warranty_received=warranty_received, present=present.strip()[:200],
    )  # fmt: skip
    session.add(inspection)
    session.flush()
    for photo in photos:
        attach(session, inspection, photo, kind="photo", actor=actor)
    if second:
        clocks.close_work(session, renovation, SECOND_WORK)
        if failed:
            _tell_the_checks(session, inspection, actor)
        return inspection
    RENOVATION.fire(session, renovation, "fail" if failed else "accept", actor=actor)
    if not failed:
        plan_second_inspection(session, renovation)
    return inspection


def _tell_the_checks(session: Session, inspection: CompletionInspection, actor: Actor) -> None:
    """What shows only in use is a finding for the site supervisor, who has it put right (RN-17)."""
    renovation, points = inspection.renovation, failed_points(inspection)
    titles = "、".join(str(POINTS[code]) for code in points)
    record_finding(
        session, inspection, category=CATEGORIES[points[0]], severity=Severity.MINOR, unit_id=renovation.unit_id,
        description=f"{titles}: {inspection.findings}", role=Role.SITE_SUPERVISOR,
        label=f"{renovation.number} · {renovation.unit.code}", actor=actor,
    )  # fmt: skip


def failed_points(inspection: CompletionInspection) -> list[str]:
    """Codes of the points that are not right, in the order of the checklist."""
    return [code for code in POINTS if inspection.points.get(code) == PointResult.VIOLATION]


def inspectable(renovation: Renovation) -> bool:
    """Whether an inspection is to be entered: the acceptance is requested, or the second one still to be made."""
    over = any(inspection.round == InspectionRound.SECOND for inspection in renovation.inspections)
    return renovation.state == RenovationState.ACCEPTANCE or (renovation.state in DONE and not over)


def plan_second_inspection(session: Session, renovation: Renovation) -> None:
    """Put the second inspection into the queue, due after the occupancy period (forms C8)."""
    item = clocks.open_work(session, renovation, SECOND_WORK, step="inspect", role=Role.SITE_SUPERVISOR)
    clocks.start(session, item, SECOND_RULE)


def begin_settlement(session: Session, renovation: Renovation, *, actor: Actor) -> RenovationSettlement:
    """Draw up the settlement of the deposits that were paid (C9).

    Raises:
        InvalidValue: not accepted yet, settled already, or no deposit was paid.
    """
    if renovation.accepted_on is None or renovation.state != RenovationState.ACCEPTED:
        raise InvalidValue(_l("Deposits are settled after the acceptance."))
    lines = deposits_held(session, renovation)
    if renovation.settlement is not None or not lines:
        raise InvalidValue(_l("There is no deposit to settle."))
    receipts = dict.fromkeys(part.payment.receipt_no for line in lines for part in line.parts if part.amount > 0)
    settlement = RenovationSettlement(
        estate_id=renovation.estate_id, renovation=renovation, unit_id=renovation.unit_id, accepted_on=renovation.accepted_on,
        deposit_receipt="、".join(receipts)[:200], payee_name=lines[0].bill.payer_name,
    )  # fmt: skip
    with session.no_autoflush:
        reckon(session, settlement)
    return enter(session, settlement, SETTLEMENT, series=SERIES, actor=actor)


def _require_draft(settlement: RenovationSettlement) -> None:
    if settlement.state != SettlementState.DRAFT:
        raise InvalidValue(_l("The settlement is checked already; have it sent back first."))


def deduct(
    session: Session, settlement: RenovationSettlement, *, reason: str, clause: str, amount: Decimal,
    evidence: FileStorage | None, violation_id: int | None = None, actor: Actor,
) -> SettlementDeduction:  # fmt: skip
    """Set something off by agreement, with its clause and evidence; a service centre has no power to fine.

    What goes beyond the deposits stays a claim against whoever owes it (forms C9).

    Raises:
        FieldErrors: no reason or clause, an amount that is nothing.
        InvalidValue: checked already, or no evidence.
    """
    actor.require("update", "RenovationSettlement")
    _require_draft(settlement)
    lacking = {"reason": reason, "clause": clause}
    errors = {name: _("This must be filled in.") for name, text in lacking.items() if not text.strip()}
    if amount <= 0:
        errors["amount"] = _("Enter an amount above zero.")
    if errors:
        raise FieldErrors(errors)
    if evidence is None or not evidence.filename:
        raise InvalidValue(_l("A deduction needs a file that shows why."))
    file = attach(session, settlement, evidence, kind="evidence", actor=actor)
    line = SettlementDeduction(
        estate_id=settlement.estate_id, settlement=settlement, reason=reason.strip()[:300], clause=clause.strip()[:200],
        amount=money(amount), violation_id=violation_id, evidence_id=file.id,
    )  # fmt: skip
    session.add(line)
    reckon(session, settlement)
    session.flush()
    return line


def drop_deduction(
    session: Session, settlement: RenovationSettlement, line: SettlementDeduction, *, actor: Actor
) -> None:
    """Take a deduction back while the settlement is drawn up; its evidence stays with the files."""
    actor.require("update", "RenovationSettlement")
    _require_draft(settlement)
    settlement.deductions.remove(line)
    session.delete(line)
    reckon(session, settlement)
    session.flush()


def change_payee(
    session: Session, settlement: RenovationSettlement, *, payee_name: str, payee_account: str | None, actor: Actor
) -> None:
    """Say who gets the refund, in cash or into which account; another payee has to be identified anew.

    Raises:
        InvalidValue: checked already.
        FieldErrors: no name.
    """
    actor.require("update", "RenovationSettlement")
    _require_draft(settlement)
    if not payee_name.strip():
        raise FieldErrors({"payee_name": _("Say who gets the refund.")})
    if payee_name.strip() != settlement.payee_name:
        settlement.id_checked = False
    settlement.payee_name, settlement.payee_account = payee_name.strip()[:100], (payee_account or "").strip() or None
    session.flush()


def identify_payee(session: Session, settlement: RenovationSettlement, *, actor: Actor) -> None:
    """The cashier has seen the payee's identity document, or the authorisation of whoever comes instead.

    Raises:
        InvalidValue: refunded already.
    """
    actor.require("pay", "RenovationSettlement")
    if settlement.state == SettlementState.PAID:
        raise InvalidValue(_l("The deposit is refunded already."))
    settlement.id_checked = True
    session.flush()
