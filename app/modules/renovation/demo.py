"""Renovations in the demo estate, at every step of the chain, each step by the person whose step it is."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from PIL import Image, ImageDraw
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor, acting
from app.core.files.services import attach
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.workflow.documents import sign
from app.modules.fees.models import FeeItem
from app.modules.fees.services import Charge, issue_bill, take_payment
from app.modules.fees.states import PaymentMethod
from app.modules.people.models import IdKind, Tenure, TenureRole
from app.modules.renovation import completion, pass_queries, passes, services, site
from app.modules.renovation.models import Renovation, RenovationContractor
from app.modules.renovation.pass_workflow import PASS
from app.modules.renovation.requirements import QUESTIONS, REQUIREMENTS, SIGNERS
from app.modules.renovation.site_models import ViolationCode
from app.modules.renovation.states import Capacity, Extent, Mode, PatrolAction, PointResult, Stage, Trade
from app.modules.renovation.violation_workflow import VIOLATION
from app.modules.renovation.workflow import RENOVATION

COMPANY = {
    "name": "匠心建筑装饰有限公司", "credit_code": "91110108MA0000002G", "qualification_no": "D211000001",
    "qualification_grade": "二级",
}  # fmt: skip
STEPS = (
    ("submit", "reception"), ("pass_intake", "supervisor"), ("pass_review", "equipment"), ("approve", "manager"),
    ("confirm_payment", "cashier"), ("begin", "supervisor"), ("request_acceptance", "reception"), ("accept", ""),
)  # fmt: skip
WAYS = ("", "pass_intake", "pass_review", "confirm_payment", "begin", "accept")
"""The last step of each demo renovation; none is a draft."""
CREW = (("张师傅", "110101199003070134", Trade.CARPENTRY), ("李师傅", "110101199003071153", Trade.PAINTING))
WORKS = (
    [{"space": "厨房", "content": "铺贴墙地砖、安装橱柜", "material": "800×800 瓷砖", "alteration": ""}],
    [{"space": "客厅", "content": "吊顶、墙面涂料", "material": "石膏板、乳胶漆", "alteration": ""}],
)


def demo(session: Session, staff: Mapping[str, Actor], drawing: str) -> None:
    """``staff``: actors by demo account; ``drawing``: a drawn signature as PNG data URL."""
    first_owners = (
        select(func.min(Tenure.id))
        .where(Tenure.role == TenureRole.OWNER, Tenure.estate_id == staff["reception"].estate_id)
        .group_by(Tenure.unit_id)
    )
    owned = select(Tenure).where(Tenure.id.in_(first_owners)).order_by(Tenure.id).limit(len(WAYS))
    with acting(staff["supervisor"]):
        company = services.save_contractor(session, RenovationContractor(), COMPANY)
    for number, (tenure, last) in enumerate(zip(session.scalars(owned).all(), WAYS, strict=True)):
        renovation = _applied(session, staff["reception"], tenure, company, number)
        if last:
            _walk(session, staff, renovation, last, drawing)


def _applied(session: Session, reception: Actor, tenure: Tenure, company: Any, number: int) -> Renovation:
    today = estate_today(session, tenure.estate_id)
    with acting(reception) as actor:
        return services.apply(session, {
            "unit_id": tenure.unit_id, "applicant_id": tenure.person_id, "capacity": Capacity.OWNER, "mode": Mode.COMPANY,
            "contractor_id": company.id, "leader_name": "王师傅", "leader_id_no": "11010519491231002X",
            "leader_mobile": "13800138000", "fire_officer": "王师傅", "extent": Extent.PARTIAL, "works": WORKS[number % 2],
            "planned_from": today, "planned_to": today + timedelta(days=59), "workers_expected": len(CREW),
            "neighbours_informed": True, **dict.fromkeys(QUESTIONS, False),
        }, actor=actor)  # fmt: skip


def _walk(session: Session, staff: Mapping[str, Actor], renovation: Renovation, last: str, drawing: str) -> None:
    with acting(staff["reception"]) as actor:
        for requirement in REQUIREMENTS:
            if requirement.needed(renovation):
                attach(session, renovation, _picture(requirement.code), kind=requirement.code, actor=actor)
        for role in SIGNERS:
            sign(session, renovation, role=role, signer=renovation.applicant.name, drawing=drawing, actor=actor)
    before = {"confirm_payment": _pay, "begin": _passes, "request_acceptance": _give_back, "accept": _inspect}
    for name, who in STEPS:
        if name in before:
            before[name](session, staff, renovation)
        if who:
            with acting(staff[who]) as actor:
                RENOVATION.fire(session, renovation, name, actor=actor)
        if name == "begin":
            _rounds(session, staff, renovation, open_case=last == "begin")
        if name == last:
            return


def _pay(session: Session, staff: Mapping[str, Actor], renovation: Renovation) -> None:
    codes = ("renovation_deposit", "renovation_waste")
    items = session.scalars(
        select(FeeItem).where(
            FeeItem.estate_id == renovation.estate_id, FeeItem.code.in_(codes), FeeItem.rate.is_not(None)
        )
    )
    charges = [Charge(item=item, quantity=Decimal(1)) for item in items if item.rate]
    with acting(staff["cashier"]) as actor:
        bill = issue_bill(
            session, unit=renovation.unit, payer_id=renovation.applicant_id, payer_name=renovation.applicant.name,
            charges=charges, source=renovation, actor=actor,
        )  # fmt: skip
        parts = {line.id: line.receivable for line in bill.lines}
        take_payment(session, bill, parts=parts, method=PaymentMethod.WECHAT, actor=actor)


def _passes(session: Session, staff: Mapping[str, Actor], renovation: Renovation) -> None:
    for name, id_no, trade in CREW:
        with acting(staff["reception"]) as actor:
            values = {"name": name, "id_kind": IdKind.RESIDENT_ID, "id_no": id_no, "trade": trade}
            worker = passes.register_worker(session, renovation, values, actor=actor)
            passes.keep_photo(session, worker, _picture(name), actor=actor)
        with acting(staff["site"]) as actor:
            passes.decide_worker(session, worker, "verify", actor=actor)
        first, last = pass_queries.usual_days(session, renovation)
        with acting(staff["supervisor"]) as actor:
            passes.issue_pass(session, worker, valid_from=first, valid_to=last, actor=actor)
    session.refresh(renovation, ["workers", "passes"])


def _rounds(session: Session, staff: Mapping[str, Actor], renovation: Renovation, *, open_case: bool) -> None:
    """A visit; on the site that is still under way with a violation, and one before it that was rectified."""
    points = dict.fromkeys(site.POINTS, PointResult.OK.value) | (
        {"corridor": PointResult.VIOLATION.value} if open_case else {}
    )
    with acting(staff["sitesupervisor"]) as actor:
        patrol = site.record_patrol(
            session, renovation, token=f"demo-{renovation.id}", visited_at=now(), stage=Stage.MASONRY, persons=2,
            persons_with_pass=2, points=points, findings="楼道堆放装修垃圾" if open_case else "",
            action=PatrolAction.NOTICE if open_case else PatrolAction.NONE, photos=[_picture("site")], actor=actor,
        )  # fmt: skip
        for code, description, requirement in CASES if open_case else ():
            found = session.scalars(
                select(ViolationCode).where(ViolationCode.estate_id == renovation.estate_id, ViolationCode.code == code)
            ).one()
            violation = site.issue_notice(
                session, renovation, code=found, description=description, requirement=requirement, patrol=patrol,
                complaint=code == "R26", photos=[_picture(code)], actor=actor,
            )  # fmt: skip
            VIOLATION.fire(
                session, violation, "serve", actor=actor, inputs={"method": "in_person", "receiver": "王师傅"}
            )
            if code == "G01":
                VIOLATION.fire(session, violation, "clear", actor=actor, inputs={"remark": "两人均已佩戴"})


CASES = (("G01", "两名工人未佩戴出入证", "立即佩戴"), ("R27", "楼道堆放装修垃圾", "当日清运，装袋放到指定地点"))


def _give_back(session: Session, staff: Mapping[str, Actor], renovation: Renovation) -> None:
    with acting(staff["supervisor"]) as actor:
        for one in renovation.passes:
            PASS.fire(session, one, "take_back", actor=actor, inputs={"condition": "完好"})


def _inspect(session: Session, staff: Mapping[str, Actor], renovation: Renovation) -> None:
    with acting(staff["sitesupervisor"]) as actor:
        points = dict.fromkeys(completion.POINTS, PointResult.OK.value)
        completion.inspect(session, renovation, points=points, present="业主、王师傅", actor=actor)
    with acting(staff["reception"]) as actor:
        completion.begin_settlement(session, renovation, actor=actor)


def _picture(name: str) -> FileStorage:
    """A small plan or photo of its own."""
    seed = sum(name.encode())
    image = Image.new("RGB", (360, 240), (236, 236 - seed % 20, 228))
    drawn = ImageDraw.Draw(image)
    drawn.rectangle((30, 30, 330, 210), outline=(60, 60, 60), width=4)
    drawn.line((30 + 40 + seed % 200, 30, 30 + 40 + seed % 200, 210), fill=(60, 60, 60), width=4)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    buffer.seek(0)
    return FileStorage(buffer, f"{name}.png", content_type="image/png")
