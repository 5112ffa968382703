"""Fields without code."""

from flask_babel import lazy_gettext as _l

from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Fields without code."""
    from app.core.fields.access import GRANTS
    from app.core.fields.configuring import FIELDS, SETTING
    from app.core.fields.views import FieldView

    registry.grants(GRANTS)
    registry.contribute(FIELDS)
    registry.contribute(SETTING)
    registry.view(FieldView, label=_l("Fields"), category=_l("Settings"), icon="adjustments")
