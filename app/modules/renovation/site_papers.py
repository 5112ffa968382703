"""From the rounds of a day and a violation to the plain values of their papers (F30, F31; RN-09, RN-10)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.files.services import attachments_of
from app.core.papers.base.context import Bilingual, Header, Signature
from app.core.papers.filling import kind_of, local, signature_of
from app.core.papers.titles import in_both
from app.core.records.base import now, session_of
from app.core.records.clock import bounds_of, estate_time
from app.modules.renovation.application_papers import FOLDER, of_unit
from app.modules.renovation.models import Renovation
from app.modules.renovation.papers.management_day import context as day_paper
from app.modules.renovation.papers.management_log import context as log_paper
from app.modules.renovation.papers.violation_notice import context as notice_paper
from app.modules.renovation.site import POINTS, half_of
from app.modules.renovation.site_models import RenovationPatrol, RenovationViolation
from app.modules.renovation.site_queries import sites_on, visits_on
from app.modules.renovation.states import PointResult, RoundHalf

SUPERVISOR = Bilingual("装修管理负责人", "Site supervisor")
CENTRE = Bilingual("物业服务中心", "Property service centre")


def log_of(patrol: RenovationPatrol, header: Header) -> log_paper.Context:
    """F30 装修管理日志: all visits to the site on the day of this one."""
    session, renovation = session_of(patrol), patrol.renovation
    visits = visits_on(session, patrol.estate_id, patrol.day, renovation_id=renovation.id)
    start, end = bounds_of(session, patrol.estate_id, patrol.day, patrol.day)
    return log_paper.Context(
        header=of_unit(renovation, header),
        day=patrol.day,
        permit_no=renovation.permit_no or "",
        company=renovation.company,
        leader=renovation.leader_name,
        points=tuple(in_both(title) for title in POINTS.values()),
        visits=tuple(_visit(session, visit) for visit in visits),
        notices=tuple(
            log_paper.Notice(number=one.number, title=one.code.title, state=in_both(one.state.title))
            for one in renovation.violations
            if start <= one.found_at < end
        ),
        signatures=(
            *(Signature(role=Bilingual("巡查人", "Patroller"), name=name) for name in dict.fromkeys(v.patroller_name for v in visits)),
            Signature(role=Bilingual("现场人员", "Person on the site"), name=next((v.met_name for v in visits if v.met_name), "")),
            Signature(role=SUPERVISOR),
        ),
    )  # fmt: skip


def _visit(session: Session, visit: RenovationPatrol) -> log_paper.Visit:
    return log_paper.Visit(
        half=in_both(visit.half.title),
        at=local(visit, visit.visited_at),
        stage=in_both(visit.stage.title),
        persons=visit.persons,
        persons_with_pass=visit.persons_with_pass,
        results=tuple(
            in_both(PointResult(visit.points[code]).title) if code in visit.points else None for code in POINTS
        ),
        findings=visit.findings,
        action=in_both(visit.action.title),
        met=visit.met_name,
        patroller=visit.patroller_name,
        photos=len(attachments_of(session, visit, kind="photo")),
    )


def day_of(patrol: RenovationPatrol, header: Header) -> day_paper.Context:
    """装修巡查日报: the visits of that day to all sites, and the rounds that were not made."""
    session, day = session_of(patrol), patrol.day
    visits = visits_on(session, patrol.estate_id, day)
    sites = sites_on(session, patrol.estate_id, day)
    due = [half for half in RoundHalf if not _ahead(session, patrol, half)]
    lines: list[day_paper.Line] = []
    for site in sites:
        for half in RoundHalf:
            made = [visit for visit in visits if (visit.renovation_id, visit.half) == (site.id, half)]
            lines += [_line(site, visit) for visit in made]
            if not made and half in due:
                lines.append(day_paper.Line(unit=site.unit.code, company=site.company, half=in_both(half.title)))
    return day_paper.Context(
        header=header,
        day=day,
        sites=len(sites),
        visits=sum(bool(line.at) for line in lines),
        missed=sum(not line.at for line in lines),
        lines=tuple(lines),
        signatures=(Signature(role=SUPERVISOR), Signature(role=CENTRE, stamp=True)),
    )


def _ahead(session: Session, patrol: RenovationPatrol, half: RoundHalf) -> bool:
    """Whether a round of the patrol's day is still to come."""
    today = estate_time(session, patrol.estate_id, now()).date() == patrol.day
    return today and half == RoundHalf.AFTERNOON and half_of(session, patrol.estate_id, now()) == RoundHalf.MORNING


def _line(site: Renovation, visit: RenovationPatrol) -> day_paper.Line:
    return day_paper.Line(
        unit=site.unit.code,
        company=site.company,
        half=in_both(visit.half.title),
        at=f"{local(visit, visit.visited_at):%H:%M}",
        stage=in_both(visit.stage.title),
        persons=f"{visit.persons} / {visit.persons_with_pass}",
        violations=tuple(in_both(POINTS[point]) for point in visit.violated),
        findings=visit.findings,
        action=in_both(visit.action.title),
        patroller=visit.patroller_name,
    )


def notice_of(violation: RenovationViolation, header: Header) -> notice_paper.Context:
    """F31 装修违规整改通知书 in its present state."""
    session, renovation = session_of(violation), violation.renovation
    found_at = local(renovation, violation.found_at)
    photos = len(attachments_of(session, violation, kind="photo"))
    if violation.patrol:
        photos += len(attachments_of(session, violation.patrol, kind="photo"))
    return notice_paper.Context(
        header=of_unit(renovation, header),
        applicant=renovation.applicant.name,
        company=renovation.company,
        leader=renovation.leader_name,
        permit_no=renovation.permit_no or "",
        found_at=found_at,
        found_by=violation.found_by_name,
        code=violation.code.code,
        violation=violation.code.title,
        basis=Bilingual(violation.code.basis_zh, violation.code.basis_en),
        description=violation.description,
        photos=photos,
        requirement=violation.requirement,
        due_at=local(renovation, violation.due_at),
        stop_work=violation.stop_work,
        consequences=violation.consequences,
        served_at=local(renovation, violation.served_at),
        served_how=in_both(violation.served_by_method.title) if violation.served_by_method else None,
        served_to=violation.served_to,
        recheck=violation.recheck_note,
        cleared_at=local(renovation, violation.cleared_at),
        cleared_by=violation.cleared_by_name,
        authority=violation.authority,
        reported_at=local(renovation, violation.reported_at),
        report_receipt=violation.report_receipt,
        signatures=(
            Signature(role=CENTRE, name=violation.found_by_name, signed_on=found_at.date(), stamp=True),
            signature_of(violation, "receipt", Bilingual("签收人", "Received by"), name=violation.served_to),
            Signature(role=Bilingual("复查人", "Re-checked by"), name=violation.cleared_by_name),
        ),
    )


KINDS = (
    kind_of(FOLDER / "management_log", RenovationPatrol, log_of),
    kind_of(FOLDER / "management_day", RenovationPatrol, day_of, code="F30D", unit=lambda patrol: None),
    kind_of(FOLDER / "violation_notice", RenovationViolation, notice_of, number=lambda violation: violation.number),
)
