"""Screens used by background work: what a view shows or does for the person who asked, without their request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from flask import current_app, g
from flask_babel import force_locale

from app.core.jobs.worker import Run
from app.core.records.estate import Estate


@contextmanager
def unattended(run: Run) -> Iterator[None]:
    """Let addresses, language and time zone be those that the person's own request would have."""
    language, estate = run.job.language, run.session.get(Estate, run.job.estate_id) if run.job.estate_id else None
    known = ("id", "time_zone", "settings_version")
    place = SimpleNamespace(**{name: getattr(estate, name) for name in known}) if estate else None
    before = g.get("user")
    with current_app.test_request_context(base_url=current_app.config["GUANJIA"].public_url):
        g.user = SimpleNamespace(id=run.actor.user_id, estate=place, estates=(place,) if place else ())
        try:
            with force_locale(language):
                yield
        finally:
            g.user = before
