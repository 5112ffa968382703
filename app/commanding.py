"""How a command gets the application: context, and the system as the one who acts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

import config


def with_app(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an application context in which the system acts."""

    @click.pass_obj
    @functools.wraps(command)
    def run(settings: config.Settings, *args: Any, **kwargs: Any) -> Any:
        from app import create_app
        from app.core.access.actor import acting, system_actor
        from app.extensions import db as database

        app = create_app(settings)
        with app.app_context(), acting(system_actor()):
            try:
                return command(*args, **kwargs)
            finally:
                database.session.remove()
                database.engine.dispose()

    return run
