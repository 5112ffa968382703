"""From a check, a notice and an action to the plain values of their papers: check record, F18 and F33."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from app.core.access.roles import TITLES, Role
from app.core.files.services import read, signature_of
from app.core.papers.base.context import Bilingual, Header, Signature
from app.core.papers.kind import PaperKind
from app.core.papers.render import image_uri
from app.core.papers.titles import in_both
from app.core.records.base import Record, session_of
from app.core.records.choices import Choice
from app.core.records.clock import estate_time
from app.core.registry import registry
from app.modules.checks.kinds import CheckKind
from app.modules.checks.models import CorrectiveAction, Finding, RectificationNotice, SpotCheck
from app.modules.checks.papers.capa_notice import context as f33
from app.modules.checks.papers.rectification_notice import context as f18
from app.modules.checks.papers.spot_check import context as record
from app.modules.checks.queries import reissue_of

FOLDER = Path(__file__).parent / "papers"


def _word(choice: Choice) -> Any:
    """The stored value of a choice; the paper's own words for it are the same."""
    return choice.value


def _role(code: str) -> Bilingual:
    return in_both(TITLES[Role(code)])


def _at(about: Record, moment: datetime | None) -> datetime | None:
    return estate_time(session_of(about), about.estate_id, moment) if moment else None


def _day(about: Record, moment: datetime | None) -> Any:
    local = _at(about, moment)
    return local.date() if local else None


def _for(about: Any, header: Header) -> Header:
    return replace(header, unit_code=about.unit.code if about.unit else "")


def rectification_notice(notice: RectificationNotice, header: Header) -> f18.Context:
    """F18 书面整改通知 in its present state."""
    drawn = signature_of(session_of(notice), notice, "recipient")
    finding = notice.finding
    return f18.Context(
        header=_for(notice, header),
        issued_by=notice.issued_by_name,
        role=_role(notice.role),
        person=notice.person.display_name if notice.person else "",
        source=notice.source_label,
        category=finding.category.title if finding else None,
        severity=in_both(finding.severity.title) if finding else None,
        problem=notice.problem,
        requirement=notice.requirement,
        due_on=notice.due_on,
        served_at=_at(notice, notice.served_at),
        received_at=_at(notice, notice.received_at),
        answer=notice.answer,
        answered_by=notice.answered_by_name,
        answered_at=_at(notice, notice.answered_at),
        returned=notice.returned,
        verification=notice.verify_note,
        verified_by=notice.verified_by_name,
        verified_at=_at(notice, notice.verified_at),
        withdrawn=notice.withdrawn_reason,
        signatures=(
            Signature(
                role=Bilingual("签发人", "Issued by"), name=notice.issued_by_name, signed_on=_day(notice, notice.served_at)
            ),
            Signature(
                role=Bilingual("签收人", "Received by"), name=notice.received_by_name,
                signed_on=_day(notice, notice.received_at), image=image_uri(read(drawn)) if drawn else "",
            ),
            Signature(
                role=Bilingual("验证人", "Verified by"), name=notice.verified_by_name,
                signed_on=_day(notice, notice.verified_at),
            ),
        ),
    )  # fmt: skip


def capa_notice(action: CorrectiveAction, header: Header) -> f33.Context:
    """F33 纠正/预防措施实施通知单 in its present state."""
    following = reissue_of(session_of(action), action)
    return f33.Context(
        header=_for(action, header),
        type=_word(action.type),
        source=_word(action.source),
        reissue_of=action.follows.number if action.follows else "",
        description=action.description,
        findings="、".join(finding.number for finding in action.findings),
        found_by=action.found_by_name,
        found_on=action.found_on,
        category=action.category.title,
        severity=in_both(action.severity.title),
        department=_role(action.role),
        risk=action.risk,
        correction=action.correction,
        causes=tuple(f33.Cause(bone=in_both(c.bone.title), whys=tuple(c.chain)) for c in action.causes),
        measures=tuple(
            f33.Measure(content=m.content, owner=m.owner_name, due_on=m.due_on, done_on=m.done_on, evidence=m.evidence)
            for m in action.measures
        ),
        verification=action.verification,
        verified_by=action.verified_by_name,
        verified_at=_at(action, action.verified_at),
        effective="" if action.effective is None else "yes" if action.effective else "no",
        judgement=action.judgement,
        judged_on=action.judged_on,
        reissued_as=following.number if following else "",
        signatures=(
            Signature(
                role=Bilingual("开具人", "Issued by"), name=action.found_by_name, signed_on=_day(action, action.created_at)
            ),
            Signature(role=Bilingual("责任部门", "Responsible department")),
            Signature(
                role=Bilingual("验证人", "Verified by"), name=action.verified_by_name,
                signed_on=_day(action, action.verified_at),
            ),
        ),
    )  # fmt: skip


def spot_check(check: SpotCheck, header: Header) -> record.Context:
    """抽查记录 with draw, samples and findings."""
    kind = registry().of(CheckKind).get(check.kind)
    findings = [(sample, finding) for sample in check.samples for finding in sample.standing_findings]
    picked = sum(1 for sample in check.samples if sample.picked)
    return record.Context(
        header=header,
        kind=check.title,
        clause=kind.clause if kind else "",
        state=in_both(check.state.title),
        period_from=check.period_from,
        period_to=check.period_to,
        drawn_at=estate_time(session_of(check), check.estate_id, check.drawn_at),
        drawn_by=check.drawn_by_name,
        population=check.population_size,
        drawn=check.sample_size,
        picked=picked,
        seed=check.seed,
        digest=check.digest,
        questions=tuple(Bilingual(question["zh"], question["en"]) for question in check.questions),
        samples=tuple(
            record.Sample(
                number=s.seq, label=s.label, picked=s.picked, result=_word(s.result) if s.result else "", note=s.note,
                checked_by=s.checked_by_name,
            )
            for s in check.samples
        ),
        findings=tuple(
            record.Finding(
                number=f.number, sample=s.seq, category=f.category.title, severity=in_both(f.severity.title),
                description=f.description, responsible=_role(f.role), followed_by=_followed_by(f),
            )
            for s, f in findings
        ),
        conclusion=check.conclusion,
        concluded_at=_at(check, check.concluded_at),
        signatures=(
            Signature(
                role=Bilingual("检查人", "Checked by"), name=check.concluded_by_name or check.drawn_by_name,
                signed_on=_day(check, check.concluded_at),
            ),
            Signature(role=Bilingual("责任部门", "Responsible department")),
        ),
    )  # fmt: skip


def _followed_by(finding: Finding) -> str:
    numbers = [notice.number for notice in finding.notices] + ([finding.action.number] if finding.action else [])
    return "、".join(numbers)


KINDS = (
    PaperKind(
        code="CK", title_zh="抽查记录", title_en="Spot-check record", folder=FOLDER / "spot_check",
        record_type="spot_check", resource="SpotCheck", context=spot_check, unit=lambda check: None,
        number=lambda check: check.number,
    ),
    PaperKind(
        code="F18", title_zh="书面整改通知", title_en="Internal rectification notice",
        folder=FOLDER / "rectification_notice", record_type="rectification_notice", resource="RectificationNotice",
        context=rectification_notice, unit=lambda notice: notice.unit_id, number=lambda notice: notice.number,
    ),
    PaperKind(
        code="F33", title_zh="纠正/预防措施实施通知单", title_en="Corrective/preventive action notice",
        folder=FOLDER / "capa_notice", record_type="corrective_action", resource="CorrectiveAction",
        context=capa_notice, unit=lambda action: action.unit_id, number=lambda action: action.number,
    ),
)  # fmt: skip
