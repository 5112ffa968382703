"""Renovations at any state, made by the real services and transitions."""

from __future__ import annotations

import base64
import io
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor, system_actor
from app.core.access.models import Account
from app.core.files.services import attach
from app.core.records.clock import estate_today
from app.core.workflow.documents import sign
from app.fab.scope import actor_for
from app.modules.estates.models import Unit
from app.modules.fees.models import Bill, FeeItem
from app.modules.fees.services import Charge, issue_bill, take_payment
from app.modules.fees.states import PaymentMethod
from app.modules.people.models import IdKind, Person, TenureRole
from app.modules.people.services import grant_tenure, register_person
from app.modules.renovation import completion, pass_queries, passes, services, site
from app.modules.renovation.models import Renovation, RenovationContractor
from app.modules.renovation.pass_models import RenovationWorker, TemporaryPass
from app.modules.renovation.pass_workflow import PASS
from app.modules.renovation.requirements import QUESTIONS, REQUIREMENTS, SIGNERS, files_by_kind
from app.modules.renovation.site_models import RenovationViolation, ViolationCode
from app.modules.renovation.states import Capacity, Extent, Mode, Trade
from app.modules.renovation.workflow import RENOVATION
from tests.movein.factories import DRAWN, unit_of

SYSTEM = system_actor(estate_id=1)
PNG = base64.b64decode(DRAWN.partition(",")[2])
WORKS = [{"space": "厨房", "content": "铺贴瓷砖", "material": "800×800", "alteration": ""}]
_numbers = count(1)


def owner_of(session: Session, unit: Unit) -> Person:
    """A new owner of the whole unit since last year."""
    number = next(_numbers)
    person = register_person(
        session, {"name": f"装修业主{number}", "mobile": f"139{number:08d}"}, actor=SYSTEM
    )  # fmt: skip
    since = estate_today(session, 1) - timedelta(days=365)
    grant_tenure(session, unit=unit, person=person, role=TenureRole.OWNER, valid_from=since, actor=SYSTEM)
    return person


def contractor_of(session: Session) -> RenovationContractor:
    """A qualified company; the same one every time."""
    code = "91110108MA0000002G"
    found = session.scalar(select(RenovationContractor).where(RenovationContractor.credit_code == code))
    values = {
        "name": "云栖装饰工程有限公司",
        "credit_code": code,
        "qualification_no": "D111000001",
        "qualification_grade": "二级",
    }
    return found or services.save_contractor(session, RenovationContractor(), values)


def answers(session: Session, **changes: Any) -> dict[str, Any]:
    """What an application says: a kitchen, by a company, nothing altered; ``changes`` say otherwise."""
    today = estate_today(session, 1)
    unit = changes.pop("unit", None) or unit_of(session)
    given: dict[str, Any] = {
        "unit_id": unit.id, "capacity": Capacity.OWNER, "mode": Mode.COMPANY, "contractor_id": contractor_of(session).id,
        "leader_name": "王师傅", "leader_id_no": "11010519491231002X", "leader_mobile": "13800138000", "fire_officer": "王师傅",
        "extent": Extent.PARTIAL, "works": WORKS, "planned_from": today, "planned_to": today + timedelta(days=59),
        "workers_expected": 4, "neighbours_informed": True, **dict.fromkeys(QUESTIONS, False),
    }  # fmt: skip
    given["applicant_id"] = changes.pop("applicant_id", None) or owner_of(session, unit).id
    return given | changes


def applied(session: Session, *, actor: Actor = SYSTEM, **changes: Any) -> Renovation:
    """An application just entered, with nothing attached yet."""
    return services.apply(session, answers(session, **changes), actor=actor)


def complete(session: Session, renovation: Renovation, *, actor: Actor = SYSTEM) -> Renovation:
    """Attach every paper that the answers ask for, and let the applicant sign."""
    present = files_by_kind(session, renovation)
    for requirement in REQUIREMENTS:
        if requirement.needed(renovation) and requirement.code not in present:
            file = FileStorage(io.BytesIO(PNG), f"{requirement.code}.png", content_type="image/png")
            attach(session, renovation, file, kind=requirement.code, actor=actor)
    for role in SIGNERS:
        sign(session, renovation, role=role, signer=renovation.applicant.name, drawing=DRAWN, actor=actor)
    return renovation


def person(session: Session, username: str) -> Actor:
    """The actor of an account: decisions bear somebody's name, the system makes none."""
    return actor_for(session.scalars(select(Account).where(Account.username == username)).one())


USUAL = {
    "submit": "receptionist", "check_intake": "receptionist", "review": "equipment_supervisor", "decide": "manager",
    "confirm_payment": "cashier", "permit": "cs_supervisor", "stop": "site_supervisor", "resume": "cs_supervisor",
    "request_acceptance": "receptionist", "inspect": "site_supervisor", "file": "cs_supervisor", "withdraw": "cs_supervisor",
}  # fmt: skip
"""Who usually makes a transition, by its verb."""


def fire(session: Session, renovation: Renovation, *names: str, actor: Actor | None = None, **asked: str) -> Renovation:
    """Make transitions one after the other; without ``actor`` by whom it usually is."""
    verbs = {transition.name: transition.verb for transition in RENOVATION.transitions}
    for name in names:
        who = actor or person(session, USUAL[verbs[name]])
        RENOVATION.fire(session, renovation, name, actor=who, inputs=asked)
    return renovation


def submitted(session: Session, **changes: Any) -> Renovation:
    return fire(session, complete(session, applied(session, **changes)), "submit")


def approved(session: Session, **changes: Any) -> Renovation:
    """Approved without conditions, waiting for the payment."""
    return fire(session, submitted(session, **changes), "pass_intake", "pass_review", "approve")


def paid(session: Session, **changes: Any) -> Renovation:
    """Paid, with a permit: workers and passes come next."""
    renovation = approved(session, **changes)
    pay(session, bill_of(session, renovation))
    return fire(session, renovation, "confirm_payment")


def bill_of(session: Session, renovation: Renovation, *codes: str) -> Bill:
    """A bill for the fee items ``codes``; the deposit and the removal of waste without any."""
    wanted = codes or ("renovation_deposit", "renovation_waste")
    items = session.scalars(select(FeeItem).where(FeeItem.estate_id == 1, FeeItem.code.in_(wanted))).all()
    for item in items:
        item.active = True
    charges = [Charge(item=item, quantity=Decimal(1)) for item in items]
    return issue_bill(
        session, unit=renovation.unit, payer_id=renovation.applicant_id, payer_name=renovation.applicant.name,
        charges=charges, source=renovation, actor=SYSTEM,
    )  # fmt: skip


def pay(session: Session, bill: Bill) -> None:
    """Pay a bill in full."""
    parts = {line.id: line.outstanding for line in bill.lines}
    take_payment(session, bill, parts=parts, method=PaymentMethod.CASH, actor=SYSTEM)


VALID_IDS = ("11010519491231002X", "440524188001010014", "110101199003070134", "110101199003071153")


def worker_of(session: Session, renovation: Renovation, **changes: Any) -> RenovationWorker:
    """A carpenter with photo and document, not verified yet."""
    number = VALID_IDS[len(renovation.workers) % len(VALID_IDS)]
    values = {"name": "张木工", "id_kind": IdKind.RESIDENT_ID, "id_no": number, "trade": Trade.CARPENTRY} | changes
    worker = passes.register_worker(session, renovation, values, actor=person(session, "receptionist"))
    photo = FileStorage(io.BytesIO(PNG), "photo.png", content_type="image/png")
    passes.keep_photo(session, worker, photo, actor=SYSTEM)
    session.refresh(renovation, ["workers"])
    return worker


def verified(session: Session, renovation: Renovation, **changes: Any) -> RenovationWorker:
    worker = worker_of(session, renovation, **changes)
    passes.decide_worker(session, worker, "verify", actor=person(session, "site_administrator"))
    return worker


def pass_of(session: Session, worker: RenovationWorker) -> TemporaryPass:
    """A pass of the usual days, issued by the supervisor."""
    first, last = pass_queries.usual_days(session, worker.renovation)
    return passes.issue_pass(session, worker, valid_from=first, valid_to=last, actor=person(session, "cs_supervisor"))


def under_way(session: Session, **changes: Any) -> Renovation:
    """A site with one worker and their pass."""
    renovation = paid(session, **changes)
    pass_of(session, verified(session, renovation))
    return fire(session, renovation, "begin")


def violation_of(session: Session, renovation: Renovation, code: str = "R27", **changes: Any) -> RenovationViolation:
    """A violation found by the site administrator, its notice not served yet."""
    found = session.scalars(select(ViolationCode).where(ViolationCode.estate_id == 1, ViolationCode.code == code)).one()
    given = {"description": "楼道堆放装修垃圾", "requirement": "当日清运"} | changes
    return site.issue_notice(session, renovation, code=found, actor=person(session, "site_administrator"), **given)


def good(**changes: str) -> dict[str, str]:
    """Answers of the completion inspection: everything in order but what ``changes`` say."""
    return dict.fromkeys(completion.POINTS, "ok") | changes


def accepted(session: Session, **changes: Any) -> Renovation:
    """Accepted, with all passes back: the deposits are to be settled."""
    renovation = under_way(session, **changes)
    for one in renovation.passes:
        PASS.fire(session, one, "take_back", actor=person(session, "cs_supervisor"), inputs={"condition": "完好"})
    fire(session, renovation, "request_acceptance")
    completion.inspect(session, renovation, points=good(), actor=person(session, "site_supervisor"))
    return renovation
