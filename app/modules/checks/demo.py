"""Checks in the demo estate: a concluded check with a finding, a served notice, a corrective action under way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, acting
from app.core.access.models import Account
from app.core.access.roles import Role
from app.core.records.clock import estate_today
from app.modules.checks import services
from app.modules.checks.models import CheckCategory, SpotCheck
from app.modules.checks.states import Bone, SampleResult, Severity
from app.modules.checks.workflow import ACTION, CHECK, NOTICE

FOUND = (
    ("signature_missing", "领取钥匙签收记录（F13）缺少发放人签字。"),
    ("signature_missing", "入伙资料签收表（F12）缺少发放人签字。"),
)


def demo(session: Session, staff: Mapping[str, Actor]) -> None:
    """``staff``: actors by demo account; needs ``manager`` and ``reception`` and some move-ins of this month."""
    with acting(staff["manager"]) as manager:
        check = _check(session, manager)
        findings = [finding for sample in check.samples for finding in sample.standing_findings]
        for finding in findings[:1]:
            notice = services.draft_notice(
                session, finding, finding=finding, problem=finding.description, role=finding.role,
                requirement="当日补签，并检查本月其余入住档案有无同类问题。",
                label=f"{finding.number} · {finding.source_label}", actor=manager,
            )  # fmt: skip
            NOTICE.fire(session, notice, "serve", actor=manager)
            services.receive_notice(session, notice, received_by=staff["reception"].name, actor=manager)
    action = next((finding.action for finding in findings if finding.action), None)
    if action is None:
        return
    with acting(staff["reception"]) as reception:
        services.correct(session, action, correction="两份记录已由发放人补签。", actor=reception)
        services.add_cause(
            session, action, bone=Bone.METHOD, actor=reception,
            whys="发放人在业主签字后就离开柜台\n签收流程没有要求发放人先签\n流程文件只写了业主签字",
        )  # fmt: skip
        ACTION.fire(session, action, "analyse", actor=reception)
    with acting(staff["manager"]) as manager:
        today = estate_today(session, action.estate_id)
        for name, content, days in (
            ("reception", "签收流程改为发放人先签、业主后签", 5),
            ("supervisor", "培训接待员双签要求并考核", 10),
        ):
            owner = session.scalars(select(Account).where(Account.id == staff[name].user_id)).one()
            services.add_measure(
                session, action, content=content, owner_id=owner.id, due_on=today + timedelta(days=days), actor=manager
            )
        ACTION.fire(session, action, "agree", actor=manager)


def _check(session: Session, manager: Actor) -> SpotCheck:
    """The papers of this month's move-ins, with as many findings as there are samples for them."""
    today = estate_today(session, manager.estate_id or 0)
    check = services.draw_check(
        session, kind="movein.records", period_from=today.replace(day=1), period_to=today, actor=manager
    )
    usable = [sample for sample in check.samples if not services.own_entry(session, sample, manager)]
    for sample, (code, said) in zip(usable, FOUND, strict=False):
        category = session.scalars(
            select(CheckCategory).where(CheckCategory.estate_id == check.estate_id, CheckCategory.code == code)
        ).one()
        services.find(
            session, sample, category=category, severity=Severity.MINOR, description=said,
            role=Role.RECEPTIONIST.value, actor=manager,
        )  # fmt: skip
    for sample in usable[len(FOUND) :]:
        services.judge(session, sample, result=SampleResult.OK, actor=manager)
    if all(sample.result for sample in check.samples):
        CHECK.fire(
            session,
            check,
            "conclude",
            actor=manager,
            inputs={"conclusion": "记录齐全，两户缺少发放人签字，已发整改通知。"},
        )
    return check
