"""Renovation (装修管理): application, reviews, workers and passes, site, completion and settlement (RN-01 … RN-18)."""

from flask_babel import lazy_gettext as _l

from app.core.registry import Registry
from app.modules.renovation.access import GRANTS


def register(registry: Registry) -> None:
    """Rights, and the place of renovations in the house."""
    from app.core.clocks.kinds import WorkCommand, WorkKind
    from app.core.messages.kinds import MessageEvent
    from app.core.papers.archive import Filed
    from app.core.workflow.table import Ask
    from app.fab.documents import register_document
    from app.modules.renovation.application_papers import KINDS
    from app.modules.renovation.effects import COPY_WORK
    from app.modules.renovation.indicators import INDICATORS
    from app.modules.renovation.models import Renovation
    from app.modules.renovation.seeding import seed
    from app.modules.renovation.services import hand_copy
    from app.modules.renovation.views import RenovationContractorView, RenovationView

    for kind in KINDS:
        registry.paper(kind)
    category = _l("Renovation")
    registry.grants(GRANTS)
    starts = {"create": ("add", _l("Renovation application"))}
    register_document(
        registry, RenovationView, category=category, icon="hammer", filed=Filed.RENOVATION, starts=starts, order=30
    )
    registry.contribute(
        WorkKind(
            code=COPY_WORK, title=_l("Decision for the owner"), resource="Renovation", model=Renovation, icon="mail",
            commands=(
                WorkCommand(
                    name="deliver", title=_l("Handed to the owner"), verb="deliver", resource="Renovation", primary=True,
                    when=lambda renovation: renovation.delivered_at is None, run=hand_copy,
                    asks=(Ask("receiver", _l("Received by")),),
                ),
            ),
        )
    )  # fmt: skip
    registry.contribute(
        MessageEvent(
            code="renovation.begun",
            title=_l("A renovation begins"),
            sentence=_l("Work may begin in unit %(unit)s (%(label)s) until %(day)s."),
        )
    )
    registry.contribute(
        MessageEvent(
            code="renovation.stopped",
            title=_l("A renovation was stopped"),
            sentence=_l("%(actor)s stopped the work in unit %(unit)s (%(label)s): %(reason)s"),
        )
    )
    for indicator in INDICATORS:
        registry.contribute(indicator)
    registry.seed(seed)
    registry.view(RenovationContractorView, label=_l("Renovation contractors"), category=category, icon="building")
