"""The clocks: calendar, rules, deadlines, work queue, delegation."""

from flask import url_for
from flask_babel import lazy_gettext as _l

from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Calendar, clock rules, deadlines, work queue, delegation."""
    from app.core.clocks import configuring
    from app.core.clocks.access import SETTINGS
    from app.core.clocks.escalation import LATE, RECURRING
    from app.core.clocks.recount import JOB, recount_job
    from app.core.clocks.seeding import seed_hours
    from app.core.clocks.views import CalendarDayView, CalendarPage, ClockRuleView, OpeningHoursPage
    from app.core.workflow.lapse import LAPSING

    registry.grants(SETTINGS)
    for thing in (configuring.RULES, configuring.DAYS, configuring.HOURS, *configuring.SETTINGS):
        registry.contribute(thing)
    registry.seed(seed_hours)
    registry.contribute(LATE)
    registry.contribute(RECURRING)
    registry.contribute(LAPSING)
    registry.job(JOB, recount_job)
    registry.view(ClockRuleView, label=_l("Clock rules"), category=_l("Settings"), icon="hourglass")
    registry.view(CalendarPage, label=_l("Working calendar"), category=_l("Settings"), icon="calendar")
    registry.view(CalendarDayView)
    registry.view(OpeningHoursPage, label=_l("Opening hours"), category=_l("Settings"), icon="clock")
    _register_queue(registry)


def _register_queue(registry: Registry) -> None:
    from app.core.clocks import work_views as views
    from app.core.clocks.delegation import DELEGATED
    from app.core.clocks.passing import HANDED_OVER

    registry.grants(views.RIGHTS)
    registry.view(views.WorkPage, label=_l("Work queue"), icon="inbox")
    registry.view(views.DelegationView)
    registry.page("delegation", lambda number: url_for("DelegationView.show", pk=number))
    for thing in (DELEGATED, HANDED_OVER, views.MINE, views.LATE):
        registry.contribute(thing)
