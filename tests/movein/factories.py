"""Move-in cases at any state, made by the real services and transitions."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

from PIL import Image, ImageDraw
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, system_actor
from app.core.records.base import now
from app.modules.estates.models import Building, DeliveryType, MeterKind, ReadingSource, Unit
from app.modules.estates.queries import meters_of
from app.modules.estates.services import add_meter, record_reading
from app.modules.fees.models import FeeItem
from app.modules.fees.services import Charge, issue_bill
from app.modules.fees.states import FeeBasis
from app.modules.movein import inspection, registration, services
from app.modules.movein.gates import OWNER_SIGNS
from app.modules.movein.models import Defect, MoveInCase
from app.modules.movein.states import CaseState, CheckResult, Severity
from app.modules.movein.workflow import MOVE_IN
from app.modules.people.models import ConsentScope, IdKind, Person, TenureRole
from app.modules.people.services import grant_tenure, register_person

SYSTEM = system_actor(estate_id=1)
_numbers = count(1)


def _drawn() -> str:
    picture = Image.new("RGBA", (120, 40))
    ImageDraw.Draw(picture).line((5, 30, 60, 5, 110, 30), fill="navy", width=3)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


DRAWN = _drawn()
"""A signature as the pad sends it."""

VALID_IDS = ("11010519491231002X", "440524188001010014", "110101199003070134", "110101199003071153")
"""Citizen ID numbers with a right check digit."""


def unit_of(
    session: Session, *, layout: str = "一室一厅一厨一卫", delivery: DeliveryType = DeliveryType.SHELL, **facts: Any
) -> Unit:
    """A unit in a building of its own; small, so that its inspection has few items."""
    number = next(_numbers)
    building = Building(estate_id=1, code=f"M{number}")
    unit = Unit(
        estate_id=1, building=building, number="101", code=f"M{number}-1-101", layout=layout, delivery_type=delivery,
        **{"gross_area": Decimal("89.32"), "internal_area": Decimal("71.05"), **facts},
    )  # fmt: skip
    session.add(unit)
    session.flush()
    return unit


def owner_of(session: Session, unit: Unit, name: str = "张三", **values: Any) -> Person:
    """A person who holds the unit; only what the import usually brings is known."""
    person = register_person(session, {"name": name, "mobile": "13800138000", **values}, actor=SYSTEM)
    grant_tenure(session, unit=unit, person=person, role=TenureRole.OWNER, actor=SYSTEM)
    return person


def new_case(
    session: Session, *, unit: Unit | None = None, owner: Person | None = None, actor: Actor = SYSTEM, **notice: Any
) -> MoveInCase:
    unit = unit or unit_of(session)
    owner = owner or owner_of(session, unit)
    return services.open_case(session, unit=unit, owner=owner, actor=actor, **notice)


def case_at(
    session: Session, state: CaseState, *, defects: bool = False, actor: Actor = SYSTEM, **values: Any
) -> MoveInCase:
    """A case that has come to ``state`` the way every case comes there. ``defects``: accepted with a defects list."""
    case = new_case(session, actor=actor, **values)
    if state == CaseState.WITHDRAWN:
        move(session, case, "withdraw", actor, reason="The owner sold the unit.")
        return case
    for fill, transition in WAY:
        if case.state == state:
            break
        if case.state == CaseState.INSPECTION:
            _inspect(session, case, actor, defects=defects or state == CaseState.REFUSED)
            if state == CaseState.REFUSED:
                move(session, case, "refuse", actor, reason="Water comes through the ceiling.")
                break
            sign(session, case, "F11", actor)
            transition = "accept_with_defects" if defects else "accept"
        else:
            fill(session, case, actor)
        move(session, case, transition, actor)
    assert case.state == state
    return case


def move(session: Session, case: MoveInCase, name: str, actor: Actor = SYSTEM, **inputs: str) -> None:
    MOVE_IN.fire(session, case, name, actor=actor, inputs=inputs)


def sign(session: Session, case: MoveInCase, *papers: str | Actor) -> None:
    actor = next((p for p in papers if isinstance(p, Actor)), SYSTEM)
    for paper in papers:
        if isinstance(paper, str):
            services.sign(session, case, paper=paper, signer=case.receiver, drawing=DRAWN, actor=actor)


def check_papers(session: Session, case: MoveInCase, actor: Actor = SYSTEM) -> None:
    """Every mandatory paper is in order."""
    for check in case.checks:
        if check.mandatory:
            services.check_paper(session, check, result=CheckResult.PRESENT, actor=actor)


def register_owner(session: Session, case: MoveInCase, actor: Actor = SYSTEM) -> None:
    """The owner's data, the acknowledged privacy notice and the signed form F10."""
    taken = set(filter(None, session.scalars(select(Person.id_no))))
    number = next((n for n in VALID_IDS if n not in taken), None)
    values = (
        {"id_kind": IdKind.RESIDENT_ID, "id_no": number}
        if number
        else {"id_kind": IdKind.PASSPORT, "id_no": f"E{next(_numbers):08d}"}
    )
    values |= {"emergency_name": "李四", "emergency_phone": "13900139000", "emergency_relation": "配偶"}
    registration.register_owner(session, case, values, actor=actor)
    registration.record_consents(session, case, {ConsentScope.SERVICE: True}, actor=actor)
    sign(session, case, "F10", actor)


def bill(session: Session, case: MoveInCase, actor: Actor = SYSTEM) -> None:
    item = session.scalars(select(FeeItem).where(FeeItem.basis == FeeBasis.GFA_MONTH, FeeItem.active)).first()
    assert item is not None
    issue_bill(
        session, unit=case.unit, payer_id=case.owner_id, payer_name=case.owner.name, source=case,
        charges=[Charge(item=item, months=3, rate=Decimal("2.80"))], actor=actor,
    )  # fmt: skip


def sign_agreements(session: Session, case: MoveInCase, actor: Actor = SYSTEM) -> None:
    sign(session, case, *OWNER_SIGNS, actor)


def hand_out(session: Session, case: MoveInCase, actor: Actor = SYSTEM) -> None:
    """Every document is handed out, the receipt F12 signed."""
    services.hand_out(session, case, codes=[h.code for h in case.handouts], actor=actor)
    sign(session, case, "F12", actor)


def read_meters(session: Session, case: MoveInCase, actor: Actor = SYSTEM) -> None:
    """The unit has a water and an electricity meter, and both were read."""
    present = {meter.kind for meter in meters_of(session, case.unit_id)}
    for kind in (MeterKind.WATER, MeterKind.ELECTRICITY):
        if kind not in present:
            add_meter(session, unit=case.unit, kind=kind, number=f"{kind.value}-{case.unit_id}", actor=actor)
    for meter in meters_of(session, case.unit_id):
        record_reading(session, meter, value=Decimal("3.5"), read_at=now(), source=ReadingSource.BASE, actor=actor)


def report_defect(
    session: Session, case: MoveInCase, *, severity: Severity = Severity.MINOR, actor: Actor = SYSTEM
) -> Defect:
    """The first item without result fails."""
    assert case.round is not None
    item = next(i for i in case.round.items if i.result is None)
    return inspection.report_defect(
        session, item, description="Plaster hollow under the window", severity=severity, party="builder", actor=actor
    )


def _inspect(session: Session, case: MoveInCase, actor: Actor, *, defects: bool) -> None:
    inspection.open_round(session, case, actor=actor)
    if defects:
        report_defect(session, case, actor=actor)
    assert case.round is not None
    inspection.pass_rest(session, case.round, actor=actor)
    read_meters(session, case, actor)


def inspect(session: Session, case: MoveInCase, actor: Actor = SYSTEM) -> None:
    """A round in which everything passes, with base readings."""
    _inspect(session, case, actor, defects=False)


def list_keys(session: Session, case: MoveInCase, actor: Actor = SYSTEM) -> None:
    services.list_usual_keys(session, case, actor=actor)
    sign(session, case, "F13", actor)


WAY: tuple[tuple[Callable[[Session, MoveInCase, Actor], None], str], ...] = (
    (check_papers, "pass_documents"),
    (register_owner, "confirm_registration"),
    (bill, "close_fees"),
    (sign_agreements, "close_signing"),
    (hand_out, "close_handout"),
    (inspect, "accept"),
    (list_keys, "hand_over_keys"),
)
"""What each step needs, and the transition that ends it."""
