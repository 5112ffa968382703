"""What the manager spot-checks of renovations: papers, reviews, sites (RN-15), and every violation (RN-16)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.access.roles import Role
from app.core.files.services import attachments_of
from app.core.papers.base.context import Bilingual
from app.core.papers.models import Paper
from app.modules.checks.kinds import CheckKind
from app.modules.checks.models import CheckSample, SpotCheck
from app.modules.checks.queries import numbered_at_units, papers_about
from app.modules.checks.states import CheckState
from app.modules.renovation.handling import KIND, checked
from app.modules.renovation.models import Renovation
from app.modules.renovation.requirements import REQUIREMENTS, files_by_kind
from app.modules.renovation.site_models import RenovationPatrol, RenovationViolation
from app.modules.renovation.site_queries import sites_between

TABLES = (
    "renovation", "renovation_worker", "temporary_pass", "renovation_patrol", "renovation_violation",
    "renovation_inspection", "renovation_settlement",
)  # fmt: skip
"""Records that papers of a renovation are about."""
VISITS = 6
"""Rounds shown of a site."""


def decided_between(session: Session, estate_id: int, start: datetime, end: datetime) -> list[tuple[int, str]]:
    """Renovations approved in the period."""
    return numbered_at_units(
        session, Renovation, estate_id, Renovation.approved_at >= start, Renovation.approved_at < end
    )


def worked_between(session: Session, estate_id: int, start: datetime, end: datetime) -> list[tuple[int, str]]:
    """Renovations on whose sites work went on in the period."""
    sites = [site.renovation_id for site in sites_between(session, estate_id, start, end)]
    return numbered_at_units(session, Renovation, estate_id, Renovation.id.in_(sites))


def ended_between(session: Session, estate_id: int, start: datetime, end: datetime) -> list[tuple[int, str]]:
    """Violations cleared or reported in the period that no concluded check has looked at yet."""
    ended = func.coalesce(RenovationViolation.reported_at, RenovationViolation.cleared_at)
    known = (
        select(CheckSample.record_id)
        .join(SpotCheck, SpotCheck.id == CheckSample.check_id)
        .where(SpotCheck.estate_id == estate_id, SpotCheck.kind == KIND, SpotCheck.state == CheckState.CONCLUDED)
    )
    return numbered_at_units(
        session, RenovationViolation, estate_id, ended >= start, ended < end, RenovationViolation.id.not_in(known)
    )


def paper_facts(session: Session, paper: Paper) -> dict[str, Any]:
    """An issued paper and the signed copies filed with it."""
    return {"paper": paper, "files": attachments_of(session, paper)}


def record_facts(session: Session, renovation: Renovation) -> dict[str, Any]:
    """The papers that the answers ask for, the opinions, workers, and the copy for the owner."""
    files = files_by_kind(session, renovation)
    needed = [(one, len(files.get(one.code, ()))) for one in REQUIREMENTS if one.needed(renovation)]
    return {"renovation": renovation, "needed": needed}


def site_facts(session: Session, renovation: Renovation) -> dict[str, Any]:
    """The permit, who may be there, the last rounds and the violations of a site."""
    rounds = session.scalars(
        select(RenovationPatrol)
        .where(RenovationPatrol.renovation_id == renovation.id)
        .order_by(RenovationPatrol.visited_at.desc(), RenovationPatrol.id.desc())
        .limit(VISITS)
    ).all()
    return {"renovation": renovation, "rounds": rounds}


def violation_facts(session: Session, violation: RenovationViolation) -> dict[str, Any]:
    """The notice, its service, the re-check and the report, with the photos of the finding."""
    return {"violation": violation, "files": attachments_of(session, violation)}


CHECKS = (
    CheckKind(
        code="renovation.papers", title=Bilingual("装修资料抽查", "Papers of renovations"), clause="RN-15",
        resource="Renovation", model=Paper, population=papers_about(*TABLES), sheet="renovation/checks/_paper.html",
        facts=paper_facts,
        questions=(
            Bilingual("资料是否用现行版本签发，中英文内容是否一致", "Was the current version issued, do Chinese and English agree?"),
            Bilingual("需装修人、施工负责人签字的资料是否已签字并归档", "Is what applicant and crew leader have to sign signed and filed?"),
            Bilingual("房号、姓名、日期与申请是否一致", "Do unit, names and dates agree with the application?"),
            Bilingual("身份证号是否按规定遮盖", "Are ID numbers masked as the rules ask?"),
        ),
    ),
    CheckKind(
        code="renovation.records", title=Bilingual("装修审批记录抽查", "Reviews of renovations"), clause="RN-15",
        resource="Renovation", model=Renovation, population=decided_between, sheet="renovation/checks/_records.html",
        facts=record_facts,
        questions=(
            Bilingual("按所填拆改内容应附的资料是否齐全有效", "Are the papers that the alterations ask for there and in force?"),
            Bilingual("各级审核意见是否明确，审核人与录入人是否分开", "Are the opinions clear, and given by others than who entered it?"),
            Bilingual("审批是否在两天内完成，次日是否送达业主", "Was it reviewed within two days, and the owner told on the next?"),
            Bilingual("施工人员是否逐人核验，证件是否有效", "Was every worker verified, with valid documents?"),
        ),
    ),
    CheckKind(
        code="renovation.sites", title=Bilingual("装修现场抽查", "Renovation sites"), clause="RN-15",
        resource="RenovationPatrol", model=Renovation, population=worked_between, sheet="renovation/checks/_site.html",
        facts=site_facts, role=Role.SITE_SUPERVISOR, sample=3,
        questions=(
            Bilingual("许可证是否张贴，施工人员是否佩戴出入证", "Is the permit posted, do the workers wear their passes?"),
            Bilingual("现场施工内容与批准内容是否一致", "Is only done what was approved?"),
            Bilingual("灭火器、用电、动火是否符合要求", "Are extinguishers, wiring and open flame in order?"),
            Bilingual("巡查记录与现场情况是否相符，是否每日两次", "Do the rounds say what is there, twice a day?"),
            Bilingual("公共部位、垃圾堆放是否符合要求", "Are common parts and waste in order?"),
        ),
    ),
    CheckKind(
        code=KIND, title=Bilingual("违规处理情况检查", "How violations were handled"), clause="RN-16",
        resource="RenovationViolation", model=RenovationViolation, population=ended_between,
        sheet="renovation/checks/_violation.html", facts=violation_facts, role=Role.SITE_SUPERVISOR, sample=200,
        concluded=checked,
        questions=(
            Bilingual("违规事实、依据和整改要求是否写清，有无照片", "Are fact, basis and requirement clear, with photos?"),
            Bilingual("通知是否及时送达并有签收", "Was the notice served in time and received?"),
            Bilingual("是否按期复查，结果是否属实", "Was it re-checked in time, and is the result true?"),
            Bilingual("逾期未改的是否在时限内上报", "Was what was not rectified reported in time?"),
        ),
    ),
)  # fmt: skip
