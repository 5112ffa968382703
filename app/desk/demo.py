"""The demo estate: a handed-over workbook imported, one account per role, and move-ins at every step.

Everything goes through the services staff use, so the demo has the same history, numbers and papers as real work.
All people and numbers are invented.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterator
from datetime import time, timedelta
from decimal import Decimal

from flask_babel import force_locale
from PIL import Image, ImageDraw
from sqlalchemy import select
from sqlalchemy.orm import Session
from stdnum.cn import ric

from app.core.access.actor import Actor, acting, current_actor
from app.core.access.demo import create_demo_accounts
from app.core.access.models import Account
from app.core.access.roles import Role
from app.core.clocks import passing
from app.core.clocks.delegation import delegate
from app.core.clocks.models import WorkItem
from app.core.clocks.services import start
from app.core.comments.services import add_comment
from app.core.fields.models import FieldKind
from app.core.fields.services import add_field, set_values
from app.core.imports.services import import_file
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.records.estate import Estate
from app.core.workflow.documents import enter
from app.extensions import db
from app.fab.scope import actor_for
from app.modules.checks.demo import demo as checks_demo
from app.modules.duties.demo import demo as duties_demo
from app.modules.estates.models import Building, MeterKind, ReadingSource, Unit
from app.modules.estates.services import add_meter, create_estate, record_reading
from app.modules.fees.queries import proposed_items
from app.modules.fees.services import Charge, issue_bill, take_payment
from app.modules.fees.states import MONTHLY, PaymentMethod
from app.modules.goods.models import GoodsRelease
from app.modules.goods.states import Applicant, Confirmation, Reason
from app.modules.goods.workflow import RELEASE
from app.modules.movein import batches
from app.modules.movein.batch_models import Post
from app.modules.movein.gates import OWNER_SIGNS
from app.modules.movein.inspection import judge, open_round, pass_rest, report_defect
from app.modules.movein.models import MoveInCase
from app.modules.movein.services import (
    check_paper,
    entrust,
    hand_out,
    list_usual_keys,
    open_case,
    sign,
    update_notice,
)
from app.modules.movein.states import CaseState, CheckResult, ItemResult, Severity
from app.modules.movein.workflow import CASE, MOVE_IN
from app.modules.people.imports import ESTATE_WORKBOOK, WORKBOOK
from app.modules.people.models import IdKind, Language, Person, PersonKind, Tenure, TenureRole, UnitUse
from app.modules.people.services import give_consent, grant_tenure, register_person, update_person
from app.modules.renovation.demo import demo as renovation_demo

WALKS = (
    CaseState.DOCUMENTS,
    CaseState.DOCUMENTS,
    CaseState.REGISTRATION,
    CaseState.FEES,
    CaseState.SIGNING,
    CaseState.HANDOUT,
    CaseState.INSPECTION,
    CaseState.INSPECTION,
    CaseState.REFUSED,
    CaseState.KEYS,
    CaseState.COMPLETED,
    CaseState.COMPLETED,
    CaseState.WITHDRAWN,
)
"""How far each demo move-in has come."""


def is_empty() -> bool:
    """Whether the database has no estate yet."""
    return db.session.scalar(select(Estate.id).limit(1)) is None


def load_demo() -> str:
    """Load the demo into an empty database and say what was loaded."""
    if not is_empty():
        return "The database is not empty; nothing was loaded. 数据库不为空，未载入。"
    session, system = db.session, current_actor()
    estate = create_estate(
        session, actor=system, code="YQ", name_zh="云栖花园", name_en="Yunqi Gardens",
        company_zh="安居物业服务有限公司", company_en="Anju Property Service Co., Ltd.",
        developer_zh="云栖置业有限公司", developer_en="Yunqi Development Co., Ltd.",
        address_zh="云栖路 8 号", address_en="8 Yunqi Road",
        service_phone="010-12345678", emergency_phone="010-12345679", complaint_phone="010-12345670",
        bank_account="安居物业服务有限公司 · 云栖支行 · 0000 0000 0000 0001",
        working_hours_zh="周一至周五 08:00–12:00、14:00–18:00；休息日和节假日不得进行产生噪声的施工",
        working_hours_en="Mon–Fri 08:00–12:00 and 14:00–18:00; no noisy work on rest days and holidays",
    )  # fmt: skip
    create_demo_accounts(session, [estate], actor=system)
    session.flush()
    with acting(_as(session, "admin")) as admin, force_locale("zh"):
        import_file(session, ESTATE_WORKBOOK, WORKBOOK.read_bytes(), estate_id=estate.id, actor=admin)
    staff = {name: _as(session, name) for name in ("reception", "cashier", "inspector", "supervisor", "manager")}
    with force_locale("zh"):
        cases = list(_move_ins(session, staff))
        _life_at_the_desk(session, staff)
        checks_demo(session, staff)
        duties_demo(session, staff)
        renovation_demo(
            session, staff | {name: _as(session, name) for name in ("equipment", "site", "sitesupervisor")}, scribble(7)
        )
        _goods_at_the_gate(session, staff)
        _plans(session, staff)
        _fields_of_our_own(session, staff)
    session.commit()
    return f"Loaded {estate.name_en} {estate.name_zh}: {len(cases)} move-ins 个入伙办理."


def _fields_of_our_own(session: Session, staff: dict[str, Actor]) -> None:
    """What the service centre records of units beside what the program asks for."""
    facing = [("南", "South"), ("北", "North"), ("东", "East"), ("西", "West")]
    with acting(staff["manager"]) as manager:
        add_field(
            session, {
                "record_type": "unit", "kind": FieldKind.CHOICE, "title_zh": "朝向", "title_en": "Facing",
                "section_zh": "房屋", "section_en": "House",
                "choices": [{"title_zh": zh, "title_en": en} for zh, en in facing],
            }, actor=manager,
        )  # fmt: skip
        add_field(
            session, {
                "record_type": "unit", "kind": FieldKind.NUMBER, "title_zh": "用电容量（kW）", "title_en": "Power (kW)", "places": 1,
            }, actor=manager,
        )  # fmt: skip
        for place, unit in enumerate(session.scalars(select(Unit).order_by(Unit.code_order).limit(8))):
            values = {"facing": facing[place % 3][1].lower(), "power_kw": Decimal(8 + 2 * (place % 2))}
            set_values(session, unit, values, actor=manager)


def _as(session: Session, username: str) -> Actor:
    return actor_for(session.scalars(select(Account).where(Account.username == username)).one())


def _move_ins(session: Session, staff: dict[str, Actor]) -> Iterator[MoveInCase]:
    with acting(staff["reception"]) as actor:
        for (unit, owner), target in zip(_new_owners(session, actor), WALKS, strict=True):
            yield Walk(session, staff, unit, owner).to(target)


def _life_at_the_desk(session: Session, staff: dict[str, Actor]) -> None:
    """Work that somebody took, handed over with a note, commented, and that is late for a reason."""
    reception, supervisor = staff["reception"], staff["supervisor"]
    waiting = session.scalars(
        select(WorkItem).where(WorkItem.kind == CASE, WorkItem.role == Role.RECEPTIONIST).order_by(WorkItem.id)
    ).all()
    with acting(reception):
        late, handed, *_rest = waiting
        for item in (late, handed):
            passing.take(session, item, actor=reception)
        passing.hand_over(session, handed, supervisor.user_id or 0, note="业主要求主管接待", actor=reception)
        deadline = start(session, late, "movein.step", started_at=now() - timedelta(days=8))
        passing.explain(session, late, deadline, reason="业主出差，约定下周一补交资料", actor=reception)
        case = session.get_one(MoveInCase, late.record_id)
        add_comment(session, case, "已电话联系业主，缺委托书原件。@supervisor 请知悉。", actor=reception)
    with acting(supervisor):
        add_comment(session, case, "收到。业主来时请直接叫我。", actor=supervisor)


GOODS = (
    ("issue", "陈梅", Applicant.OWNER, Reason.REPAIR, "电冰箱", "1 台"),
    ("release", "刘洋", Applicant.TENANT, Reason.END_OF_TENANCY, "纸箱（书籍、衣物）", "8 箱"),
    ("turn_back", "鑫达装饰", Applicant.CONTRACTOR, Reason.MATERIAL, "石膏板余料", "36 张"),
)
"""Demo passes: the last step made, applicant, reason, goods, quantity."""


def _goods_at_the_gate(session: Session, staff: dict[str, Actor]) -> None:
    """Passes that wait at the gate, were used, and were turned back (DU-17)."""
    today, guard = estate_today(session, staff["reception"].estate_id or 0), _as(session, "security")
    units = session.scalars(select(Unit).order_by(Unit.id.desc()).limit(len(GOODS))).all()
    for unit, (step, name, applicant, reason, goods, quantity) in zip(units, GOODS, strict=True):
        release = GoodsRelease(
            unit=unit, applicant=applicant, applicant_name=name, id_kind=IdKind.RESIDENT_ID, id_seen=True, reason=reason,
            confirmation=Confirmation.PHONE, confirmation_note="业主电话确认", valid_from=today, valid_to=today,
            items=[{"name": goods, "quantity": quantity, "note": ""}],
        )  # fmt: skip
        with acting(staff["reception"]) as actor:
            enter(session, release, RELEASE, series="GR", actor=actor)
            RELEASE.fire(session, release, "issue", actor=actor)
        if step != "issue":
            remark = "另有 3 袋水泥未列入清单" if step == "turn_back" else ""
            with acting(guard) as actor:
                RELEASE.fire(session, release, step, actor=actor, inputs={"remark": remark})


def _plans(session: Session, staff: dict[str, Actor]) -> None:
    """What comes next week: a deputy, and a batch of move-ins with its appointments."""
    supervisor, manager = staff["supervisor"], staff["manager"]
    monday = estate_today(session, supervisor.estate_id or 0) + timedelta(days=7)
    with acting(supervisor):
        delegate(
            session, delegate_id=manager.user_id or 0, from_on=monday, until_on=monday + timedelta(days=2),
            reason="年休假", actor=supervisor,
        )  # fmt: skip
        last = session.scalars(select(Building).order_by(Building.id.desc()).limit(1)).one()
        batch = batches.save_batch(
            session, None,
            {"title": f"{last.code} 栋集中入伙", "starts_on": monday, "ends_on": monday + timedelta(days=4),
             "place": "物业服务中心一楼大厅"},
            actor=supervisor,
        )  # fmt: skip
        posts = {
            "supervisor": Post.LEADER,
            "reception": Post.RECEPTION,
            "cashier": Post.CASHIER,
            "inspector": Post.INSPECTION,
        }
        for name, post in posts.items():
            batches.add_member(session, batch, account_id=staff[name].user_id or 0, post=post, actor=supervisor)
        batches.add_units(session, batch, building_id=last.id, actor=supervisor)
        batches.add_slots(
            session, batch, day_from=monday, day_to=batch.ends_on, begins_at=time(9), ends_at=time(17), minutes=60,
            capacity=6, actor=supervisor,
        )  # fmt: skip
        batches.assign_slots(session, batch, actor=supervisor)


OWNERS = (
    "欧阳静姝", "司马文博", "李喆", "王镕基", "陈垚", "赵一诺", "Maria Fernanda Gonçalves de Oliveira", "孙晓棠", "周慕云",
    "吴若溪", "郑子衿", "冯骁", "褚云帆",
)  # fmt: skip


def _new_owners(session: Session, actor: Actor) -> Iterator[tuple[Unit, Person]]:
    """Invented owners who take over units that nobody owns yet."""
    owned = select(Tenure.unit_id).where(Tenure.role == TenureRole.OWNER)
    free = session.scalars(select(Unit).where(Unit.id.not_in(owned)).order_by(Unit.id).limit(len(OWNERS))).all()
    for number, (unit, name) in enumerate(zip(free, OWNERS, strict=True)):
        facts: dict[str, object] = {"name": name, "kind": PersonKind.INDIVIDUAL, "mobile": f"1380000{number:04d}"}
        if name.isascii() or "ç" in name:
            facts |= {"id_kind": IdKind.PASSPORT, "id_no": f"G{53360000 + number}", "language": Language.EN}
        else:
            body = f"0000001985{number % 12 + 1:02d}15{number:03d}"
            facts |= {"id_kind": IdKind.RESIDENT_ID, "id_no": body + ric.calc_check_digit(f"{body}0")}
        person = register_person(session, facts, actor=actor)
        grant_tenure(
            session, unit=unit, person=person, role=TenureRole.OWNER, unit_use=UnitUse.OWNER_OCCUPIED, actor=actor
        )
        yield unit, person


class Walk:
    """Takes one move-in from the counter as far as wanted, each step by the person whose step it is."""

    def __init__(self, session: Session, staff: dict[str, Actor], unit: Unit, owner: Person) -> None:
        self.session, self.staff, self.unit, self.owner = session, staff, unit, owner
        with acting(staff["reception"]) as actor:
            self.case = open_case(session, unit=unit, owner=owner, actor=actor)
            update_notice(self.case, handover_place="云栖花园物业服务中心")

    def to(self, target: CaseState) -> MoveInCase:
        """Walk until the case stands at ``target``."""
        steps = (
            (CaseState.DOCUMENTS, "reception", self.documents),
            (CaseState.REGISTRATION, "reception", self.registration),
            (CaseState.FEES, "cashier", self.fees),
            (CaseState.SIGNING, "reception", self.signing),
            (CaseState.HANDOUT, "reception", self.handout),
        )
        if target == CaseState.WITHDRAWN:
            with acting(self.staff["supervisor"]) as actor:
                self.fire("withdraw", actor, reason="业主改期办理")
            return self.case
        for state, who, work in steps:
            if self.case.state == target:
                return self.case
            assert self.case.state == state
            with acting(self.staff[who]) as actor:
                work(actor)
        with acting(self.staff["inspector"]) as actor:
            self.inspection(actor, target)
        if target == CaseState.COMPLETED:
            with acting(self.staff["reception"]) as actor:
                self.keys(actor)
        return self.case

    def fire(self, name: str, actor: Actor, **inputs: str) -> None:
        MOVE_IN.fire(self.session, self.case, name, actor=actor, inputs=inputs)

    def sign(self, paper: str, actor: Actor) -> None:
        sign(self.session, self.case, paper=paper, signer=self.owner.name, drawing=scribble(self.owner.id), actor=actor)

    def documents(self, actor: Actor) -> None:
        for check in self.case.checks:
            check_paper(self.session, check, result=CheckResult.PRESENT, actor=actor)
        self.fire("pass_documents", actor)

    def registration(self, actor: Actor) -> None:
        emergency = {"emergency_name": "联系人", "emergency_phone": "13900000000", "emergency_relation": "亲属"}
        update_person(self.session, self.owner, emergency, actor=actor)
        give_consent(self.session, self.owner, actor=actor)
        self.sign("F10", actor)
        self.fire("confirm_registration", actor)

    def fees(self, actor: Actor) -> None:
        charges = [
            Charge(item=item, months=3 if item.basis in MONTHLY else None, quantity=Decimal(1))
            for item in proposed_items(self.session)
            if item.proposed and item.rate
        ]
        bill = issue_bill(
            self.session, unit=self.unit, payer_id=self.owner.id, payer_name=self.owner.name, charges=charges,
            source=self.case, actor=actor,
        )  # fmt: skip
        parts = {line.id: line.receivable for line in bill.lines}
        take_payment(self.session, bill, parts=parts, method=PaymentMethod.WECHAT, actor=actor)
        self.fire("close_fees", actor)

    def signing(self, actor: Actor) -> None:
        for paper in OWNER_SIGNS:
            self.sign(paper, actor)
        self.fire("close_signing", actor)

    def handout(self, actor: Actor) -> None:
        hand_out(self.session, self.case, codes=[h.code for h in self.case.handouts], actor=actor)
        technician = self.session.scalars(select(Account).where(Account.username == "technician")).one()
        entrust(
            self.session,
            self.case,
            code="gas_connection",
            assignee_id=technician.id,
            details="预约上门通气",
            actor=actor,
        )
        self.sign("F12", actor)
        self.fire("close_handout", actor)

    def inspection(self, actor: Actor, target: CaseState) -> None:
        current = open_round(self.session, self.case, weather="晴", actor=actor)
        for kind, number, value in ((MeterKind.WATER, "W", "3.20"), (MeterKind.ELECTRICITY, "E", "12.50")):
            meter = add_meter(
                self.session, unit=self.unit, kind=kind, number=f"{number}{self.unit.id:06d}", actor=actor
            )
            record_reading(
                self.session, meter, value=Decimal(value), read_at=now(), source=ReadingSource.BASE, actor=actor
            )  # fmt: skip
        faults = {
            CaseState.REFUSED: (Severity.STRUCTURAL, 2),
            CaseState.KEYS: (Severity.MINOR, 2),
            CaseState.INSPECTION: (Severity.MAJOR, 1),
        }
        severity, count = faults.get(target, (Severity.MINOR, 0))
        for item in current.items[5 : 5 + count]:
            judge(self.session, item, result=ItemResult.FAIL, actor=actor)
            report_defect(
                self.session, item, description="密封条脱落，需重新安装", severity=severity, party="builder",
                party_name="云栖建设工程有限公司", position="左侧", actor=actor,
            )  # fmt: skip
        if target == CaseState.INSPECTION:
            return
        pass_rest(self.session, current, actor=actor)
        if target == CaseState.REFUSED:
            self.fire("refuse", actor, reason="存在结构安全问题，待整改后复验")
            return
        self.sign("F11", actor)
        self.fire("accept_with_defects" if count else "accept", actor)

    def keys(self, actor: Actor) -> None:
        list_usual_keys(self.session, self.case, actor=actor)
        self.sign("F13", actor)
        self.fire("hand_over_keys", actor)


def scribble(seed: int) -> str:
    """A drawn signature as PNG data URL; the curve differs with ``seed``."""
    picture = Image.new("RGBA", (420, 140), (255, 255, 255, 0))
    curve = [
        (20 + 3.8 * step, 70 + 38 * math.sin(step / (5 + seed % 5)) * math.cos(step / (11 + seed % 7)))
        for step in range(100)
    ]
    ImageDraw.Draw(picture).line(curve, fill=(20, 30, 90, 255), width=4, joint="curve")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
