"""From a move-in case to the plain values of its papers F01–F14, F16 and F17, and the order of the pack (MI-01, MI-02)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.masking import mask_id, mask_phone
from app.core.audit.models import AuditEntry
from app.core.files.services import attachments_of, read
from app.core.papers.base.context import Bilingual, Header, Signature
from app.core.papers.kind import PaperKind
from app.core.papers.render import image_uri
from app.core.papers.services import Sheet
from app.core.papers.titles import in_both
from app.core.records.base import session_of
from app.core.records.choices import Choice
from app.core.records.clock import estate_time
from app.core.records.estate import Estate
from app.core.registry import registry
from app.core.workflow.table import Blocked
from app.modules.estates.models import MeterKind
from app.modules.estates.queries import readings_since
from app.modules.fees.queries import bills_of, proposed_items
from app.modules.fees.services import Charge, amount_of
from app.modules.fees.states import MONTHLY, FeeBasis, FeeKind
from app.modules.movein.inspection import items_of, rooms_of_unit
from app.modules.movein.models import CaseSignature, Defect, InspectionItem, InspectionRound, MoveInCase
from app.modules.movein.papers.document_receipt import context as f12
from app.modules.movein.papers.entrusted_service import context as f14
from app.modules.movein.papers.inspection_signoff import context as f11
from app.modules.movein.papers.key_receipt import context as f13
from app.modules.movein.papers.movein_notice import context as f16
from app.modules.movein.papers.owner_registration import context as f10
from app.modules.movein.papers.procedure_slip import context as f17
from app.modules.movein.papers.standing_text import context as standing
from app.modules.movein.papers.unit_inspection import context as f01
from app.modules.movein.services import content_of, text_in_force
from app.modules.movein.standing import fill
from app.modules.movein.states import Capacity, Conclusion, DefectState, ItemResult, SigningMethod
from app.modules.people.models import Consent, PersonKind, Tenure, TenureRole, UnitUse, Vehicle
from app.modules.people.queries import members_of, owners_of

FOLDER = Path(__file__).parent / "papers"
OWNER = Bilingual("业主", "Owner")
AGENT = Bilingual("业主代理人", "Agent of the owner")
CENTRE = Bilingual("物业服务中心", "Property service centre")
INSPECTOR = Bilingual("陪同验房人员", "Accompanying inspector")
DEVELOPER = Bilingual("建设单位", "Developer")
METER_UNITS = {MeterKind.WATER: "m³", MeterKind.ELECTRICITY: "kWh", MeterKind.GAS: "m³", MeterKind.HEAT: "kWh"}
PAPER_RESULT: dict[ItemResult | None, f01.Result] = {
    ItemResult.PASS: "pass",
    ItemResult.FAIL: "fail",
    ItemResult.NOT_APPLICABLE: "na",
}


def _word(choice: Choice) -> Any:
    """The stored value of a choice; the paper's own words for it are the same."""
    return choice.value


def _estate(case: MoveInCase) -> Estate:
    return session_of(case).get_one(Estate, case.estate_id)


def _for(case: MoveInCase, header: Header, **values: Any) -> Header:
    return replace(header, unit_code=case.unit.code, **values)


def _signed_on(case: MoveInCase, signature: CaseSignature) -> date:
    return estate_time(session_of(case), case.estate_id, signature.signed_at).date()


def _signature(case: MoveInCase, paper: str, role: Bilingual | None = None) -> Signature:
    """The owner's (or agent's) block under a paper: signed when a valid signature exists, else left to sign by hand."""
    role = role or (AGENT if case.capacity == Capacity.AGENT else OWNER)
    given = case.signature(paper)
    if given is None:
        return Signature(role=role)
    drawn = given.method == SigningMethod.ON_SCREEN
    image = image_uri(read(given.attachment)) if drawn else ""
    return Signature(role=role, name=given.signer, signed_on=_signed_on(case, given), image=image)


def _blocks(case: MoveInCase, paper: str) -> tuple[Signature, ...]:
    return (_signature(case, paper), Signature(role=CENTRE, stamp=True))


def _owner_names(case: MoveInCase) -> Bilingual:
    names = [tenure.person.name for tenure in owners_of(session_of(case), case.unit_id)] or [case.owner.name]
    return Bilingual("、".join(names), ", ".join(names))


def _agent(case: MoveInCase) -> str:
    return case.agent_name if case.capacity == Capacity.AGENT else ""


# F16, F17


def notice(case: MoveInCase, header: Header) -> f16.Context:
    """F16 入伙通知书."""
    session, estate = session_of(case), _estate(case)
    start = case.handover_from or header.issued_on
    return f16.Context(
        header=_for(
            case,
            header,
            company=estate.developer_zh or header.company,
            company_en=estate.developer_en or header.company_en,
        ),
        addressee=_owner_names(case).zh,
        address=case.owner.address,
        handover_from=start,
        handover_to=case.handover_to or start + timedelta(days=7),
        place=Bilingual(
            case.handover_place or f"{estate.name_zh}物业服务中心",
            case.handover_place or f"Property service centre, {estate.name_en}",
        ),
        documents=tuple(check.title for check in case.checks if check.mandatory),
        fees=tuple(_notice_fees(session, case)),
        contact=header.issued_by,
        phone=estate.service_phone,
        signature=Signature(role=DEVELOPER, stamp=True),
    )


def _notice_fees(session: Session, case: MoveInCase) -> list[f16.NoticeFee]:
    fees = []
    for item in proposed_items(session):
        if not item.proposed:
            continue
        charge = Charge(item=item, months=3 if item.basis in MONTHLY else None, quantity=Decimal(1))
        needs_area = item.basis in (FeeBasis.GFA, FeeBasis.GFA_MONTH) and case.unit.gross_area is None
        amount = None if needs_area or item.rate == 0 else amount_of(charge, case.unit)
        fees.append(f16.NoticeFee(item=item.title, basis=_both_words(in_both(item.basis.title)), amount=amount))
    return fees


def _both_words(text: Bilingual) -> str:
    return f"{text.zh} {text.en}"


SLIP_TRANSITIONS = {
    "documents": ("pass_documents",),
    "fees": ("close_fees",),
    "signing": ("close_handout",),
    "inspection": ("accept", "accept_with_defects"),
    "keys": ("hand_over_keys",),
}
SLIP_CHECKS = {"payment_cleared": "payment_proof", "eligibility": "sales_contract"}


def procedure_slip(case: MoveInCase, header: Header) -> f17.Context:
    """F17 入伙手续书: who handled which station when, from the case's history."""
    session = session_of(case)
    done = {
        entry.changes["transition"][1]: entry
        for entry in session.scalars(
            select(AuditEntry)
            .where(
                AuditEntry.subject_type == "movein_case",
                AuditEntry.subject_id == case.id,
                AuditEntry.kind == "transition",
            )
            .order_by(AuditEntry.id)
        )
    }
    steps = []
    for number, entry in enumerate(items_of(session, "procedure_steps"), 1):
        office = Bilingual(entry.data["office"]["zh"], entry.data["office"]["en"])
        step = f17.Step(number=number, name=entry.title, office=office)
        check = next((c for c in case.checks if c.code == SLIP_CHECKS.get(entry.code)), None)
        passed = next((done[name] for name in SLIP_TRANSITIONS.get(entry.code, ()) if name in done), None)
        if check and check.checked_at:
            step = replace(
                step, handled_by=check.checked_by_name, handled_at=estate_time(session, case.estate_id, check.checked_at),
                result=in_both(check.result.title), note=check.note,
            )  # fmt: skip
        elif passed:
            step = replace(
                step, handled_by=passed.actor_name, handled_at=estate_time(session, case.estate_id, passed.at),
                result=Bilingual("已办", "Done"), note=passed.note,
            )  # fmt: skip
        steps.append(step)
    return f17.Context(
        header=_for(case, header), owner=_owner_names(case).zh, agent=_agent(case), notice_no=case.number, steps=tuple(steps),
        signatures=(Signature(role=CENTRE, stamp=True),),
    )  # fmt: skip


# F10


def owner_registration(case: MoveInCase, header: Header) -> f10.Context:
    """F10 业主登记表; numbers masked."""
    session, owner = session_of(case), case.owner
    owners = owners_of(session, case.unit_id)
    own = next((tenure for tenure in owners if tenure.person_id == owner.id), None)
    use = own.unit_use if own else None
    return f10.Context(
        header=_for(case, header),
        owner_type=_word(owner.kind),
        owner_name=owner.name,
        sex=in_both(owner.sex.title) if owner.sex else None,
        nationality=Bilingual(owner.nationality, owner.nationality) if owner.nationality else None,
        birth_date=owner.birth_date,
        id_type=in_both(owner.id_kind.title) if owner.id_kind else Bilingual(""),
        id_number=mask_id(owner.id_no or ""),
        credit_code=owner.credit_code,
        organisation_contact=owner.legal_representative if owner.kind == PersonKind.ORGANISATION else "",
        mobile=mask_phone(owner.mobile or ""),
        landline=mask_phone(owner.phone or ""),
        email=owner.email,
        address=owner.address,
        postcode=owner.postcode,
        emergency_contact=owner.emergency_name,
        emergency_phone=mask_phone(owner.emergency_phone or ""),
        emergency_relation=Bilingual(owner.emergency_relation, owner.emergency_relation)
        if owner.emergency_relation
        else None,
        title_proof=in_both(own.title_proof.title) if own and own.title_proof else None,
        title_proof_no=own.title_proof_no if own else "",
        gfa=case.unit.gross_area,
        ifa=case.unit.internal_area,
        movein_date=case.move_in_on,
        use=_word(use) if use and use != UnitUse.RENOVATION else "",
        preferred_language=in_both(owner.language.title),
        channel=in_both(owner.channel.title),
        co_owners=tuple(_co_owner(tenure) for tenure in owners if tenure.person_id != owner.id),
        members=tuple(_member(tenure) for tenure in members_of(session, case.unit_id)),
        vehicles=tuple(_vehicles(session, case)),
        consent=_consent(session, case),
        signatures=_blocks(case, "F10"),
    )


def _co_owner(tenure: Tenure) -> f10.CoOwner:
    person, share = tenure.person, tenure.share
    return f10.CoOwner(
        name=person.name,
        id_type=in_both(person.id_kind.title) if person.id_kind else Bilingual(""),
        id_number=mask_id(person.id_no or ""),
        form=in_both(tenure.co_ownership.title) if tenure.co_ownership else Bilingual(""),
        share=(Decimal(share.numerator) / Decimal(share.denominator) * 100).quantize(Decimal("0.01"))
        if share
        else None,
    )


def _member(tenure: Tenure) -> f10.Member:
    person = tenure.person
    relation = tenure.relation or TenureRole(tenure.role)
    return f10.Member(
        name=person.name,
        relation=in_both(relation.title),
        sex=in_both(person.sex.title) if person.sex else None,
        id_number=mask_id(person.id_no or ""),
        mobile=mask_phone(person.mobile or ""),
    )


def _vehicles(session: Session, case: MoveInCase) -> list[f10.Vehicle]:
    people = {case.owner_id, *(tenure.person_id for tenure in owners_of(session, case.unit_id))}
    found = session.scalars(
        select(Vehicle).where((Vehicle.unit_id == case.unit_id) | Vehicle.person_id.in_(people)).order_by(Vehicle.id)
    )
    return [f10.Vehicle(plate=v.plate, make=v.make, colour=v.colour, bay=v.bay.code if v.bay else "") for v in found]


def _consent(session: Session, case: MoveInCase) -> f10.Consent | None:
    found = session.scalars(
        select(Consent)
        .where(Consent.person_id == case.owner_id, Consent.withdrawn_at.is_(None))
        .order_by(Consent.given_at.desc())
    ).all()
    if not found:
        return None
    titles = [in_both(consent.scope.title) for consent in reversed(found)]
    scope = Bilingual("、".join(dict.fromkeys(t.zh for t in titles)), ", ".join(dict.fromkeys(t.en for t in titles)))
    given = estate_time(session, case.estate_id, found[0].given_at).date()
    return f10.Consent(notice_version=found[0].notice.notice_version, given_on=given, scope=scope)


# F02–F09


def standing_text(form: str) -> Callable[[MoveInCase, Header], standing.Context]:
    """Builder of one standing text, filled in for the unit: the version the owner signed, else the one in force."""

    def build(case: MoveInCase, header: Header) -> standing.Context:
        session = session_of(case)
        version = text_in_force(session, form)
        if version is None:
            raise Blocked([_("%(paper)s has no published version.", paper=form)])
        text = fill(content_of(version), _text_values(case, header))
        company = {}
        if form in ("F02", "F08", "F09"):
            estate = _estate(case)
            company = {
                "company": estate.developer_zh or header.company,
                "company_en": estate.developer_en or header.company_en,
            }
        signed = {"owner": _signature(case, form)} if case.signature(form) else {}
        return standing.Context(
            header=_for(case, header, **standing.header_values(text), **company),
            text=text,
            signatures=standing.signature_blocks(text, signed),
        )

    return build


def _text_values(case: MoveInCase, header: Header) -> dict[str, str | Bilingual | None]:
    session, estate, unit = session_of(case), _estate(case), case.unit
    items = {item.code: item for item in proposed_items(session)}
    fee = next((i for i in items.values() if i.basis == FeeBasis.GFA_MONTH and i.kind == FeeKind.SERVICE_INCOME), None)
    deposit = next((i for i in items.values() if i.kind == FeeKind.DEPOSIT and i.code.startswith("renovation")), None)
    handover = unit.handover_date or case.handover_from
    return estate_values(estate, header.issued_on) | {
        "unit_code": unit.code,
        "owner_name": _owner_names(case),
        "gross_area": f"{unit.gross_area:.2f}" if unit.gross_area else None,
        "internal_area": f"{unit.internal_area:.2f}" if unit.internal_area else None,
        "layout": unit.layout or None,
        "fee_rate": f"{fee.rate.normalize():f}" if fee and fee.rate else None,
        "renovation_deposit": f"{deposit.rate:.2f}" if deposit and deposit.rate else None,
        "handover_date": _day_in_both(handover),
    }


def estate_values(estate: Estate, today: date) -> dict[str, str | Bilingual | None]:
    """Placeholders of standing texts that the estate fills in."""
    return {
        "estate_name": Bilingual(estate.name_zh, estate.name_en),
        "company": Bilingual(estate.company_zh, estate.company_en),
        "developer": Bilingual(estate.developer_zh, estate.developer_en),
        "bank_account": estate.bank_account or None,
        "service_phone": estate.service_phone or None,
        "emergency_phone": estate.emergency_phone or None,
        "complaint_phone": estate.complaint_phone or None,
        "address": Bilingual(estate.address_zh, estate.address_en) if estate.address_zh else None,
        "working_hours": Bilingual(estate.working_hours_zh, estate.working_hours_en)
        if estate.working_hours_zh
        else None,
        "today": _day_in_both(today),
    }


def _day_in_both(day: date | None) -> Bilingual | None:
    from babel.dates import format_date

    return (
        Bilingual(format_date(day, "y年M月d日", locale="zh"), format_date(day, "d MMMM y", locale="en"))
        if day
        else None
    )


# F01, F11


def _round(case: MoveInCase) -> InspectionRound:
    if case.round is None:
        raise Blocked([_("The unit has not been inspected yet.")])
    return case.round


def unit_inspection(case: MoveInCase, header: Header) -> f01.Context:
    """F01 房屋验收单 of the latest round."""
    session, current, estate = session_of(case), _round(case), _estate(case)
    spaces = list(dict.fromkeys(item.space for item in current.items))
    walking = {room.code: place for place, room in enumerate(rooms_of_unit(session, case.unit))}
    spaces.sort(key=lambda code: walking.get(code, len(walking)))
    titles = {item.space: item.title("space") for item in current.items}
    return f01.Context(
        header=_for(case, header),
        owner=_owner_names(case).zh,
        agent=_agent(case),
        delivery_type=_word(current.delivery_type),
        layout=case.unit.layout,
        round_no=current.round_no,
        inspected_on=current.inspected_on,
        inspector=current.inspector_name,
        developer=estate.developer_zh,
        contractor=current.builder,
        weather=current.weather,
        meters=tuple(_meters(session, case)),
        spaces=tuple(titles[code] for code in spaces),
        trades=tuple(_trades(current.items, spaces)),
        defects=tuple(_defect(session, case, defect) for defect in case.defects),
        conclusion=_word(current.conclusion) if current.conclusion else "",
        remarks=current.owner_remarks,
        signatures=(
            _signature(case, "F11"),
            Signature(role=INSPECTOR, name=current.inspector_name, signed_on=current.inspected_on),
            Signature(role=DEVELOPER, stamp=True),
        ),
    )


def _meters(session: Session, case: MoveInCase) -> list[f01.Meter]:
    read_now = readings_since(session, unit_id=case.unit_id, since=case.created_at)
    meters = []
    for meter in case.unit.meters:
        reading = read_now.get(meter.kind)
        own = reading if reading and reading.meter_id == meter.id else None
        meters.append(
            f01.Meter(
                kind=in_both(meter.kind.title), number=meter.number, reading=own.value if own else None,
                unit=METER_UNITS[meter.kind], photographed=bool(own and own.photo_id),
            )
        )  # fmt: skip
    return meters


def _trades(items: Sequence[InspectionItem], spaces: Sequence[str]) -> list[f01.Trade]:
    trades: dict[str, dict[str, dict[str, InspectionItem]]] = {}
    for item in items:
        trades.setdefault(item.trade, {}).setdefault(item.item, {})[item.space] = item
    return [
        f01.Trade(
            name=next(iter(next(iter(checks.values())).values())).title("trade"),
            checks=tuple(
                f01.Check(
                    item=next(iter(by_space.values())).title("item"),
                    results=tuple(
                        PAPER_RESULT.get(by_space[code].result, "") if code in by_space else "" for code in spaces
                    ),
                )
                for by_space in checks.values()
            ),
        )
        for checks in trades.values()
    ]


def _responsible(session: Session, defect: Defect) -> Bilingual:
    kinds = {entry.code: entry.title for entry in items_of(session, "responsible_parties")}
    kind = kinds.get(defect.party, Bilingual(defect.party, defect.party))
    return Bilingual(f"{kind.zh} {defect.party_name}".strip(), f"{kind.en} {defect.party_name}".strip())


def _defect(session: Session, case: MoveInCase, defect: Defect) -> f01.Defect:
    item = defect.item
    outcome = None
    if defect.state == DefectState.VERIFIED:
        outcome = Bilingual("合格", "Passed")
    elif defect.recheck_note:
        outcome = Bilingual("不合格", "Failed")
    return f01.Defect(
        number=defect.seq,
        space=item.title("space"),
        trade=item.title("trade"),
        description=defect.description,
        position=defect.position,
        severity=in_both(defect.severity.title),
        responsible=_responsible(session, defect).zh,
        due_on=defect.due_on,
        photos=len(attachments_of(session, defect, kind="photo")),
        fixed_on=defect.fixed_on,
        reinspection=outcome,
        reinspected_by=defect.verified_by_name,
    )


def inspection_signoff(case: MoveInCase, header: Header) -> f11.Context:
    """F11 验房签收记录 of the latest round."""
    session, current = session_of(case), _round(case)
    left = [d for d in case.defects if d.state != DefectState.VERIFIED]
    judged = [item for item in current.items if item.result in (ItemResult.PASS, ItemResult.FAIL)]
    return f11.Context(
        header=_for(case, header),
        owner=_owner_names(case).zh,
        agent=_agent(case),
        inspection_no=current.number,
        round_no=current.round_no,
        inspected_on=current.inspected_on,
        inspector=current.inspector_name,
        items_checked=len(judged),
        items_failed=sum(1 for item in judged if item.result == ItemResult.FAIL),
        conclusion=_word(current.conclusion) if current.conclusion else "",
        open_defects=tuple(
            f11.OpenDefect(
                number=d.seq,
                space=d.item.title("space"),
                description=d.description,
                responsible=_responsible(session, d).zh,
                due_on=d.due_on,
            )
            for d in left
        ),
        promised_on=max((d.due_on for d in left), default=None),
        remarks=current.owner_remarks,
        signatures=(
            _signature(case, "F11"),
            Signature(role=INSPECTOR, name=current.inspector_name, signed_on=current.inspected_on),
        ),
    )


# F12–F14


def document_receipt(case: MoveInCase, header: Header) -> f12.Context:
    """F12 入伙资料签收表."""
    languages = {
        "zh": Bilingual("中文", "Chinese"),
        "en": Bilingual("英文", "English"),
        "both": Bilingual("中英文", "Chinese and English"),
    }
    return f12.Context(
        header=_for(case, header),
        recipient=case.receiver,
        capacity=_word(case.capacity),
        authorisation_no=case.authorisation_no,
        documents=tuple(
            f12.Document(
                title=h.title, version=h.document_version, language=languages.get(h.language), copies=h.copies, pages=h.pages,
                issued=h.issued_at is not None, must_return=h.must_return, returned_on=h.returned_on, note=h.note,
            )
            for h in case.handouts
        ),
        signatures=_blocks(case, "F12"),
    )  # fmt: skip


def key_receipt(case: MoveInCase, header: Header) -> f13.Context:
    """F13 钥匙领取签收表; there is none before the conclusion."""
    session, current = session_of(case), _round(case)
    if case.conclusion not in (Conclusion.ACCEPTED, Conclusion.WITH_DEFECTS):
        raise Blocked([_("Keys are signed for only after the conclusion of the inspection.")])
    bills = [bill for bill in bills_of(session, case) if not bill.cancelled_at]
    handed = [key for key in case.keys if not key.in_custody]
    return f13.Context(
        header=_for(case, header),
        recipient=case.receiver,
        recipient_id=mask_id(case.owner.id_no or "") if case.capacity == Capacity.OWNER else "",
        authorisation_no=case.authorisation_no,
        inspection_no=current.number,
        conclusion=_word(case.conclusion),
        fees_settled=bool(bills) and all(bill.outstanding == 0 for bill in bills),
        keys=tuple(
            f13.Key(
                kind=key.title, number=key.label, quantity=key.quantity, deposit=key.deposit, issued_by=key.issued_by_name, note=key.note,
                collected_at=estate_time(session, case.estate_id, key.handed_at) if key.handed_at else None,
            )
            for key in handed
        ),
        custody=tuple(
            f13.Custody(
                kind=key.title, quantity=key.quantity, reason=key.custody_reason, until=key.custody_until,
                release_condition=key.note,
            )
            for key in case.keys
            if key.in_custody
        ),
        signatures=_blocks(case, "F13"),
    )  # fmt: skip


def entrusted_services(case: MoveInCase, header: Header) -> f14.Context:
    """F14 委托代办服务记录."""
    session = session_of(case)
    scale = {
        5: Bilingual("很满意", "Very satisfied"),
        4: Bilingual("满意", "Satisfied"),
        3: Bilingual("一般", "Neutral"),
        2: Bilingual("不满意", "Dissatisfied"),
        1: Bilingual("很不满意", "Very dissatisfied"),
    }
    return f14.Context(
        header=_for(case, header),
        principal=case.receiver,
        mobile=mask_phone(case.agent_phone or case.owner.mobile or ""),
        services=tuple(
            f14.Service(
                kind=s.title, charge="paid" if s.paid else "free", rate=s.rate, details=s.details, materials=s.materials,
                appointment=estate_time(session, case.estate_id, s.appointment_at) if s.appointment_at else None,
                accepted_by=s.accepted_by_name, assigned_to=s.assignee_name,
                completed_at=estate_time(session, case.estate_id, s.done_at) if s.done_at else None,
                result=s.result, fee=s.fee or None, receipt_no=s.receipt_no,
                satisfaction=scale.get(s.satisfaction) if s.satisfaction else None,
            )
            for s in case.services
        ),
        signatures=_blocks(case, "F14"),
    )  # fmt: skip


BUILDERS: dict[str, tuple[str, str, str, Callable[[MoveInCase, Header], Any]]] = {
    "F01": ("房屋验收单", "Unit inspection and acceptance form", "unit_inspection", unit_inspection),
    "F02": ("业主临时管理规约", "Interim management covenant", "standing_text", standing_text("F02")),
    "F03": ("住宅装修管理协议", "Residential renovation management agreement", "standing_text", standing_text("F03")),
    "F04": ("业主手册", "Owner's handbook", "standing_text", standing_text("F04")),
    "F05": ("入住须知", "Move-in instructions", "standing_text", standing_text("F05")),
    "F06": ("管理费收缴协议", "Management-fee payment agreement", "standing_text", standing_text("F06")),
    "F07": ("防火责任书", "Fire-safety undertaking", "standing_text", standing_text("F07")),
    "F08": ("住宅质量保证书", "Residential quality guarantee", "standing_text", standing_text("F08")),
    "F09": ("住宅使用说明书", "Residential user manual", "standing_text", standing_text("F09")),
    "F10": ("业主登记表", "Owner registration form", "owner_registration", owner_registration),
    "F11": ("验房签收记录", "Inspection sign-off", "inspection_signoff", inspection_signoff),
    "F12": ("入伙资料签收表", "Move-in document receipt", "document_receipt", document_receipt),
    "F13": ("钥匙领取签收表", "Key collection receipt", "key_receipt", key_receipt),
    "F14": ("委托代办服务记录", "Entrusted-service record", "entrusted_service", entrusted_services),
    "F16": ("入伙通知书", "Move-in notice", "movein_notice", notice),
    "F17": ("入伙手续书", "Move-in procedure slip", "procedure_slip", procedure_slip),
}

KINDS = tuple(
    PaperKind(
        code=code, title_zh=zh, title_en=en, folder=FOLDER / folder, record_type="movein_case", resource="MoveInCase",
        context=build, unit=lambda case: case.unit_id, person=lambda case: case.owner_id,
    )
    for code, (zh, en, folder, build) in BUILDERS.items()
)  # fmt: skip

PACK_ORDER = (
    "F16",
    "F17",
    "F10",
    "F15",
    "RCPT",
    "F02",
    "F03",
    "F04",
    "F05",
    "F06",
    "F07",
    "F08",
    "F09",
    "F12",
    "F14",
    "F01",
    "F11",
    "F13",
)
"""The hand-over pack in the order in which the owner meets the papers."""


def pack_sheets(case: MoveInCase) -> list[Sheet]:
    """The papers of the case's pack as far as it has come: none for what has not happened yet."""
    session, kinds = session_of(case), registry().papers
    bills = [bill for bill in bills_of(session, case) if not bill.cancelled_at]
    payments = [
        payment for bill in bills for payment in bill.payments if not payment.reversal and not payment.reverses_id
    ]
    about = {"F15": bills, "RCPT": payments}
    missing = set()
    if case.round is None:
        missing |= {"F01", "F11"}
    if case.conclusion not in (Conclusion.ACCEPTED, Conclusion.WITH_DEFECTS) or not case.keys:
        missing.add("F13")
    if not case.services:
        missing.add("F14")
    return [(kinds[code], record) for code in PACK_ORDER if code not in missing for record in about.get(code, [case])]
