"""Goods release (物品放行): goods leave the estate with a pass that is good once (forms F3; DU-17)."""

from flask_babel import lazy_gettext as _l

from app.core.registry import Registry
from app.modules.goods.access import GRANTS


def register(registry: Registry) -> None:
    """Rights, and the place of the passes in the house."""
    from app.fab.documents import register_document
    from app.modules.goods.views import GoodsReleaseView

    registry.grants(GRANTS)
    starts = {"create": ("add", _l("Goods release")), "check": ("list", _l("Goods at the gate"))}
    register_document(registry, GoodsReleaseView, icon="truck", starts=starts, order=75)
