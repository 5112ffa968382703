"""What an application needs before it can be submitted: papers by the answers given (Decree 110 art. 14; forms C1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.core.files.models import Attachment
from app.core.papers.base.context import Bilingual
from app.core.records.base import session_of
from app.core.records.clock import estate_today
from app.core.workflow.documents import signed
from app.modules.renovation.models import Renovation
from app.modules.renovation.states import Capacity, Mode

SIGNERS = {
    "notice": Bilingual(
        "禁止行为和注意事项告知书（装修人签收）", "Notice of prohibited acts and cautions, received by the applicant"
    ),
    "agreements": Bilingual(
        "装修管理服务协议、消防责任书、承诺书（装修人签署）",
        "Renovation management service agreement, fire-safety undertaking and commitment, signed by the applicant",
    ),
}
"""What the applicant signs, by role of the signature."""
QUESTIONS = {
    "structural": Bilingual("拆改墙体或承重结构", "walls or load-bearing structure"),
    "waterproof": Bilingual("改动防水层", "the waterproof layer"),
    "floor_load": Bilingual("增加楼面荷载", "the floor load"),
    "facade": Bilingual("搭建或改动外立面", "added structures or the façade"),
    "heating": Bilingual("改动供暖", "heating"),
    "gas": Bilingual("改动燃气", "gas"),
    "hot_work": Bilingual("动火或特种作业", "hot work or special trades"),
}
"""What the questions about alterations are about, in the order of the form."""


@dataclass(frozen=True)
class Requirement:
    """A paper that an application may need. ``code`` is the kind of its attachment; ``why``: what makes it compulsory, a
    yes to one of the ``questions`` or what ``wanted`` says of the application.
    """

    code: str
    title: Bilingual
    why: Bilingual
    questions: tuple[str, ...] = ()
    wanted: Callable[[Renovation], bool] = lambda renovation: False

    def needed(self, renovation: Renovation) -> bool:
        """Whether this application needs the paper."""
        return self.wanted(renovation) or any(getattr(renovation, name) for name in self.questions)


def _always(renovation: Renovation) -> bool:
    return True


_ART_14 = Bilingual("第110号令第十四条", "Decree 110 art. 14")

REQUIREMENTS = (
    Requirement("title_proof", Bilingual("房屋权属证明", "Proof of title"), _ART_14, wanted=_always),
    Requirement("floor_plan", Bilingual("装修平面图等图纸", "Floor plan and drawings of the renovation"), _ART_14, wanted=_always),
    Requirement(
        "owner_consent", Bilingual("业主书面同意书", "Owner's written consent"),
        Bilingual("申请人为使用人", "the applicant is an occupant"), wanted=lambda r: r.capacity == Capacity.OCCUPANT,
    ),
    Requirement(
        "qualification", Bilingual("装修企业资质证书复印件", "Copy of the contractor's qualification certificate"),
        Bilingual("委托装修企业施工", "a company does the work"), wanted=lambda r: r.mode == Mode.COMPANY,
    ),
    Requirement(
        "design_scheme", Bilingual("原设计单位或同等资质单位的设计方案", "Design scheme of the original or an equally qualified designer"),
        Bilingual("涉及结构或楼面荷载（第五、七条）", "structure or floor load (arts. 5, 7)"), ("structural", "floor_load"),
    ),
    Requirement(
        "construction_plan", Bilingual("防水施工方案", "Construction plan of the waterproofing"),
        Bilingual("改动防水层（第八条）", "the waterproof layer (art. 8)"), ("waterproof",),
    ),
    Requirement(
        "planning_approval", Bilingual("规划主管部门批准文件", "Approval of the planning authority"),
        Bilingual("搭建或改动外立面（第六条）", "added structures or the façade (art. 6)"), ("facade",),
    ),
    Requirement(
        "heating_approval", Bilingual("供暖管理单位批准文件", "Approval of the heating company"),
        Bilingual("改动供暖（第六条）", "heating (art. 6)"), ("heating",),
    ),
    Requirement(
        "gas_approval", Bilingual("燃气管理单位批准文件", "Approval of the gas company"),
        Bilingual("改动燃气（第六条）", "gas (art. 6)"), ("gas",),
    ),
    Requirement(
        "hot_work_permit", Bilingual("动火作业审批表", "Hot-work permit"),
        Bilingual("动火或特种作业（消防法第二十一条）", "hot work (Fire Protection Law art. 21)"), ("hot_work",),
    ),
)  # fmt: skip
QUALIFIED_WORK = ("structural", "floor_load", "facade", "heating", "gas", "waterproof")
"""Alterations that only a qualified company may make (Decree 110 arts. 9, 13)."""


def files_by_kind(session: Session, renovation: Renovation) -> dict[str, list[Attachment]]:
    """The application's files that count, by kind, oldest first; one statement."""
    found: dict[str, list[Attachment]] = {}
    query = select(Attachment).where(
        Attachment.record_type == "renovation", Attachment.record_id == renovation.id, Attachment.archived_at.is_(None)
    )
    for file in session.scalars(query.order_by(Attachment.id).options(joinedload(Attachment.stored_file))):
        found.setdefault(file.kind, []).append(file)
    return found


def missing_of(renovation: Renovation) -> list[Bilingual]:
    """Everything that stands in the way of submitting, as sentences in both languages; empty when it is complete."""
    return list(_missing(renovation))


def _missing(renovation: Renovation) -> Iterator[Bilingual]:
    session = session_of(renovation)
    for name, about in QUESTIONS.items():
        if getattr(renovation, name) is None:
            yield Bilingual(f"尚未回答：是否{about.zh}。", f"Not answered: does the work touch {about.en}?")
    files = files_by_kind(session, renovation)
    for requirement in REQUIREMENTS:
        if requirement.needed(renovation) and requirement.code not in files:
            yield Bilingual(
                f"缺少{requirement.title.zh}（{requirement.why.zh}）。",
                f"Missing: {requirement.title.en} ({requirement.why.en}).",
            )
    if any(getattr(renovation, name) for name in QUALIFIED_WORK) and renovation.mode != Mode.COMPANY:
        yield Bilingual(
            "所填拆改内容须委托有相应资质的装修企业（第九条）。",
            "Such alterations need a qualified renovation company (Decree 110 art. 9).",
        )
    contractor = renovation.contractor
    if contractor is not None and not contractor.qualification_no:
        yield Bilingual(
            "装修企业的资质证书号未填写。", "The contractor's qualification certificate number is not filled in."
        )
    today = estate_today(session, renovation.estate_id)
    if contractor is not None and contractor.qualified_until and contractor.qualified_until < today:
        yield Bilingual("装修企业的资质已过期。", "The contractor's qualification has run out.")
    if not renovation.neighbours_informed:
        yield Bilingual(
            "申请人尚未告知邻里（第十五条）。", "The applicant has not informed the neighbours yet (art. 15)."
        )
    for role, title in SIGNERS.items():
        if signed(renovation, role) is None:
            yield Bilingual(f"未签字：{title.zh}。", f"Not signed: {title.en}.")
