"""From a renovation to the plain values of its application form (F26) and its permit (forms C1, C4)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.masking import mask_id
from app.core.papers.base.context import Bilingual, Header, Signature
from app.core.papers.filling import kind_of, local, signature_of
from app.core.papers.titles import in_both
from app.core.records.amounts import format_area
from app.core.records.base import session_of
from app.core.records.choices import Choice
from app.core.records.estate import Estate
from app.modules.fees.queries import standing_bills
from app.modules.renovation.models import Renovation
from app.modules.renovation.papers.application import context as f26
from app.modules.renovation.papers.permit import context as permit
from app.modules.renovation.papers.prohibited_acts import context as notice
from app.modules.renovation.papers.shared.context import Hours
from app.modules.renovation.requirements import QUESTIONS, REQUIREMENTS, files_by_kind
from app.modules.renovation.site_models import DayKind, PermittedHours, ViolationCode
from app.modules.renovation.states import WITH_PERMIT

FOLDER = Path(__file__).parent / "papers"
PAPER_OF = {name: requirement.title for requirement in REQUIREMENTS for name in requirement.questions}
"""The paper that a yes to a question makes compulsory."""


def of_unit(renovation: Renovation, header: Header) -> Header:
    """The head of a paper about this renovation."""
    return replace(header, unit_code=renovation.unit.code)


def application(renovation: Renovation, header: Header) -> f26.Context:
    """F26 装修申请审批表 in its present state."""
    session, contractor = session_of(renovation), renovation.contractor
    titles = {requirement.code: requirement.title for requirement in REQUIREMENTS}
    lines = [line for bill in standing_bills(session, renovation) for line in bill.lines]
    approved_at = local(renovation, renovation.approved_at)
    approver = next((d.decided_by_name for d in reversed(renovation.decisions) if d.step == "approval"), "")
    paid_at = local(renovation, renovation.paid_at)
    return f26.Context(
        header=of_unit(renovation, header),
        area=format_area(renovation.unit.gross_area) if renovation.unit.gross_area else "",
        applicant=renovation.applicant.name,
        capacity=_word(renovation.capacity),
        phone=renovation.applicant.masked_mobile,
        mode=_word(renovation.mode),
        contractor=contractor.name if contractor else "",
        credit_code=contractor.credit_code if contractor else "",
        qualification=f"{contractor.qualification_no} {contractor.qualification_grade}".strip() if contractor else "",
        leader=renovation.leader_name,
        leader_id=mask_id(renovation.leader_id_no or ""),
        leader_phone=renovation.leader_phone,
        fire_officer=renovation.fire_officer,
        extent=_word(renovation.extent),
        works=tuple(f26.WorkItem(**row) for row in renovation.works),
        installs=tuple(f26.Installation(**row) for row in renovation.installs or ()),
        questions=tuple(
            f26.Question(
                title=about, answer=_answer(getattr(renovation, name)),
                paper=PAPER_OF[name] if getattr(renovation, name) else None,
            )
            for name, about in QUESTIONS.items()
        ),
        load_kw=f"{renovation.load_kw} kW" if renovation.load_kw else "",
        planned_from=renovation.planned_from,
        planned_to=renovation.planned_to,
        days=(renovation.planned_to - renovation.planned_from).days + 1,
        workers=renovation.workers_expected,
        neighbours=renovation.neighbours_informed,
        drawings=tuple(_counted(titles[k], len(f)) for k, f in files_by_kind(session, renovation).items() if k in titles),
        opinions=tuple(
            f26.Opinion(
                step=in_both(d.step.title), verdict=in_both(d.verdict.title), opinion=d.opinion, name=d.decided_by_name,
                at=local(renovation, d.decided_at),
            )
            for d in renovation.decisions
        ),
        conditions=renovation.conditions,
        fees=tuple(f26.Fee(title=line.title, amount=line.receivable, received=line.received) for line in lines),
        paid_by=renovation.paid_by_name,
        paid_at=paid_at,
        permit_no=renovation.permit_no or "",
        permit_from=renovation.permit_from,
        permit_to=renovation.permit_to,
        extensions=tuple(f26.Extension(to_day=line.to_day, reason=line.reason) for line in renovation.extensions),
        signatures=(
            signature_of(renovation, "agreements", Bilingual("申请人", "Applicant")),
            Signature(
                role=Bilingual("出纳", "Cashier"), name=renovation.paid_by_name, signed_on=paid_at.date() if paid_at else None
            ),
            Signature(
                role=Bilingual("物业服务中心", "Property service centre"), name=approver if approved_at else "",
                signed_on=approved_at.date() if approved_at else None, stamp=True,
            ),
        ),
    )  # fmt: skip


def _word(choice: Choice) -> Any:
    """The stored value of a choice; the paper's own words for it are the same."""
    return choice.value


def _answer(value: bool | None) -> Any:
    return "" if value is None else "yes" if value else "no"


def _counted(title: Bilingual, count: int) -> Bilingual:
    return title if count == 1 else Bilingual(f"{title.zh}（{count} 份）", f"{title.en} ({count})")


def permit_of(renovation: Renovation, header: Header) -> permit.Context:
    """装修施工许可证, to be posted on the door."""
    session = session_of(renovation)
    estate = session.get_one(Estate, renovation.estate_id)
    begun = local(renovation, renovation.paid_at)
    if renovation.permit_from is None or renovation.permit_to is None:
        raise ValueError("a renovation without a permit has none to print")
    return permit.Context(
        header=of_unit(renovation, header),
        company=renovation.company,
        leader=renovation.leader_name,
        leader_phone=renovation.leader_phone,
        works="；".join(f"{row['space']}：{row['content']}" for row in renovation.works),
        valid_from=renovation.permit_from,
        valid_to=renovation.permit_to,
        hours=hours_of(session, renovation.estate_id),
        conditions=renovation.conditions,
        supervision_phone=estate.complaint_phone or estate.service_phone,
        extensions=tuple(
            permit.Extension(to_day=line.to_day, reason=line.reason, granted_by=line.granted_by_name)
            for line in renovation.extensions
        ),
        signatures=(
            Signature(
                role=Bilingual("物业服务中心", "Property service centre"), signed_on=begun.date() if begun else None, stamp=True
            ),
        ),
    )  # fmt: skip


def hours_of(session: Session, estate_id: int) -> tuple[Hours, ...]:
    """The estate's permitted hours, working days first."""
    found = session.scalars(select(PermittedHours).where(PermittedHours.estate_id == estate_id))
    return tuple(
        Hours(days=in_both(span.day_kind.title), span=f"{span.opens:%H:%M}–{span.closes:%H:%M}", noisy=span.noisy)
        for span in sorted(found, key=lambda span: (span.day_kind != DayKind.WORKDAY, span.opens))
    )


CAUTIONS = (
    Bilingual(
        "开工前由申请人告知邻里；施工损坏相邻住户的，由装修人负责修复或赔偿（第十五、三十三条）。",
        "The applicant informs the neighbours before the work and repairs or compensates damage done to them (arts. 15, 33).",
    ),
    Bilingual(
        "施工现场配备不少于两具灭火器；动火作业须经批准并由持证人员操作。",
        "There are at least two fire extinguishers on the site; hot work needs a permit and a certified worker.",
    ),
    Bilingual(
        "施工人员凭临时出入证进出，不得在现场留宿。",
        "Workers come and go with their temporary passes and do not stay overnight.",
    ),
    Bilingual(
        "装修人不得拒绝和阻碍物业服务人的现场检查（第二十条）。",
        "The renovating party does not refuse or hinder inspections on the site (art. 20).",
    ),
    Bilingual(
        "施工垃圾装袋，按指定时间、地点和路线清运（第二十七条）。",
        "Waste is bagged and taken away at the times, places and ways named (art. 27).",
    ),
    Bilingual(
        "竣工后申请验收；保修期不少于二年，有防水要求的厨房、卫生间和外墙面不少于五年（第三十、三十二条）。",
        "The acceptance is requested on completion; the warranty is at least two years, five for waterproofing of kitchens, "
        "bathrooms and outer walls (arts. 30, 32).",
    ),
)
"""What the applicant is told beside the prohibited acts."""


def prohibited_acts(renovation: Renovation, header: Header) -> notice.Context:
    """装修禁止行为和注意事项告知书: the estate's code list and hours as they are now."""
    session = session_of(renovation)
    codes = select(ViolationCode).where(ViolationCode.estate_id == renovation.estate_id, ViolationCode.active)
    return notice.Context(
        header=of_unit(renovation, header),
        applicant=renovation.applicant.name,
        company=renovation.company,
        acts=tuple(
            notice.Act(article=code.article, title=code.title) for code in session.scalars(codes.order_by(ViolationCode.seq))
        ),
        cautions=CAUTIONS,
        hours=hours_of(session, renovation.estate_id),
        signatures=(
            signature_of(renovation, "notice", Bilingual("装修人", "Renovating party")),
            Signature(role=Bilingual("施工单位", "Contractor"), stamp=True),
            Signature(role=Bilingual("物业服务中心", "Property service centre"), stamp=True),
        ),
    )  # fmt: skip


KINDS = (
    kind_of(FOLDER / "prohibited_acts", Renovation, prohibited_acts),
    kind_of(FOLDER / "application", Renovation, application, number=lambda renovation: renovation.number),
    kind_of(FOLDER / "permit", Renovation, permit_of, number=lambda renovation: renovation.permit_no, states=WITH_PERMIT),
)  # fmt: skip
