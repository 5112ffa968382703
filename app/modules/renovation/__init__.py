"""Renovation (装修管理): application, reviews, workers and passes, site, completion and settlement (RN-01 … RN-18)."""

from flask_babel import lazy_gettext as _l

from app.core.registry import Registry
from app.modules.renovation.access import GRANTS


def register(registry: Registry) -> None:
    """Rights, and the place of renovations in the house."""
    from app.core.papers.archive import Filed
    from app.fab.documents import register_document
    from app.modules.renovation.application_papers import KINDS
    from app.modules.renovation.completion_views import register_completion
    from app.modules.renovation.control import register_control
    from app.modules.renovation.indicators import INDICATORS
    from app.modules.renovation.kinds import EVENTS, WORK, WORKFLOWS
    from app.modules.renovation.pass_views import register_passes
    from app.modules.renovation.seeding import seed
    from app.modules.renovation.site_views import register_site
    from app.modules.renovation.views import RenovationContractorView, RenovationView

    for kind in KINDS:
        registry.paper(kind)
    category = _l("Renovation")
    registry.grants(GRANTS)
    starts = {"create": ("add", _l("Renovation application"))}
    register_document(
        registry, RenovationView, category=category, icon="hammer", filed=Filed.RENOVATION, starts=starts, order=30
    )
    for workflow in WORKFLOWS:
        registry.workflow(workflow)
    for thing in (*WORK, *EVENTS):
        registry.contribute(thing)
    for indicator in INDICATORS:
        registry.contribute(indicator)
    registry.seed(seed)
    register_control(registry, category)
    register_passes(registry, category)
    register_completion(registry, category)
    register_site(registry)
    registry.view(RenovationContractorView, label=_l("Renovation contractors"), category=category, icon="building")
