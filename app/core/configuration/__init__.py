"""The settings of an estate: all on one page, and as one file out of it and into another."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.registry import Registry


def register(registry: Registry) -> None:
    """The pages of all settings, and who decides in the waiting states of the workflows."""
    from flask import url_for
    from flask_babel import lazy_gettext as _l

    from app.core.audit.kinds import EventKind
    from app.core.configuration.access import GRANTS, KEEPERS
    from app.core.configuration.views import ConfigurationPage, SettingsPage
    from app.core.workflow import configuring
    from app.core.workflow.views import ReviewerPage

    registry.grants({**GRANTS, "Reviewer": {"read update": KEEPERS}})
    settings = _l("Settings")
    registry.view(SettingsPage, label=_l("All settings"), category=settings, icon="settings")
    registry.view(ReviewerPage, label=_l("Who decides"), category=settings, icon="users")
    registry.view(ConfigurationPage, label=_l("Configuration file"), category=settings, icon="download")
    for thing in (configuring.REVIEWERS, configuring.SETTING):
        registry.contribute(thing)
    registry.contribute(EventKind(code="work_moved", sentence=_l("moved the open work"), icon="users"))
    registry.guard("workflow_reviewer", "Reviewer")
    registry.page("workflow_reviewer", lambda number: url_for("ReviewerPage.index"))
