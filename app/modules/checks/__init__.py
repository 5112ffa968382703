"""Checks of every module: random draw, findings, rectification notices, corrective actions (MI-12, MI-13, RN-15…17)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for
from flask_babel import lazy_gettext as _l

from app.modules.checks.access import GRANTS

if TYPE_CHECKING:
    from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Rights, workflows, kinds of work, messages, evidence, papers, screens and seeds."""
    from app.core.clocks.kinds import WorkKind
    from app.core.messages.kinds import MessageEvent
    from app.modules.checks.configuring import CATEGORIES, SETTING
    from app.modules.checks.evidence import CHECK_EVIDENCE
    from app.modules.checks.indicators import CHECKS_IN_ORDER
    from app.modules.checks.models import CorrectiveAction, Measure, RectificationNotice, SpotCheck
    from app.modules.checks.paper_contexts import KINDS
    from app.modules.checks.seeding import seed
    from app.modules.checks.views import register_views
    from app.modules.checks.workflow import ACTION, CHECK, NOTICE, label

    registry.grants(GRANTS)
    for workflow in (CHECK, NOTICE, ACTION):
        registry.workflow(workflow)
    for code, title, model, icon in (
        ("checks.spot_check", _l("Spot check"), SpotCheck, "clipboard-check"),
        ("checks.notice", _l("Rectification notice"), RectificationNotice, "alert-circle"),
        ("checks.action", _l("Corrective action"), CorrectiveAction, "refresh"),
    ):
        resource = model.__name__
        registry.contribute(WorkKind(code=code, title=title, resource=resource, model=model, label=label, icon=icon))
    registry.contribute(
        WorkKind(
            code="checks.measure", title=_l("Measure of a corrective action"), resource="CorrectiveAction", model=Measure,
            steps={"carry_out": _l("Carry out the measure")}, icon="list-check",
            label=lambda measure: f"{measure.action.number} {measure.content}",
        )
    )  # fmt: skip
    registry.contribute(
        MessageEvent(
            code="check.notice_served",
            title=_l("A rectification notice was served"),
            sentence=_l("%(actor)s served the rectification notice %(label)s."),
        )
    )
    registry.contribute(
        MessageEvent(
            code="check.capa_opened",
            title=_l("A corrective action was opened"),
            sentence=_l("The corrective action %(label)s was opened."),
        )
    )
    for thing in (CATEGORIES, SETTING, CHECK_EVIDENCE):
        registry.contribute(thing)
    registry.contribute(CHECKS_IN_ORDER)
    for kind in KINDS:
        registry.paper(kind)
    registry.page("spot_check", lambda number: url_for("SpotCheckView.show", pk=number))
    registry.page("check_finding", lambda number: url_for("FindingView.show", pk=number))
    registry.page("rectification_notice", lambda number: url_for("RectificationNoticeView.show", pk=number))
    registry.page("corrective_action", lambda number: url_for("CorrectiveActionView.show", pk=number))
    registry.page("capa_measure", lambda number: url_for("CorrectiveActionView.measure", number=number))
    registry.guard("capa_measure", "CorrectiveAction")
    registry.seed(seed)
    register_views(registry)
