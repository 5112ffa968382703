"""Indicators: measured every hour, month by month, against targets; and the manager's part of the home page."""

from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Rights, page, cards, hourly measuring, the indicators of the clocks."""
    from datetime import timedelta

    from flask_babel import lazy_gettext as _l

    from app.core.access.roles import Role
    from app.core.indicators.cards import CARDS
    from app.core.indicators.configuring import SETTING, TARGETS
    from app.core.indicators.measures import IN_TIME, OVERDUE
    from app.core.indicators.services import measure_indicators
    from app.core.indicators.views import IndicatorPage
    from app.core.registry import Recurring

    registry.grants(
        {
            "Indicator": {
                "read": (Role.MANAGER, Role.CS_SUPERVISOR, Role.SUPERIOR, Role.SYSTEM_ADMINISTRATOR),
                "update": (Role.MANAGER, Role.SUPERIOR, Role.SYSTEM_ADMINISTRATOR),
            }
        }
    )
    registry.view(IndicatorPage, label=_l("Indicators"), category=_l("Quality"), icon="chart-bar")
    for card in CARDS:
        registry.contribute(card)
    registry.contribute(
        Recurring(name="indicators", title=_l("Indicators measured"), every=timedelta(hours=1), work=measure_indicators)
    )
    registry.contribute(SETTING)
    registry.contribute(TARGETS)
    registry.contribute(IN_TIME)
    registry.contribute(OVERDUE)
