"""Guanjia 管家: the customer-service desk of a property service centre."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from flask import Flask
from werkzeug.local import LocalProxy

import config
from app.core.access.keyring import Keyring, use_keyring
from app.core.records.database import prepare_engine
from app.core.registry import Registry
from app.extensions import csrf, db

MODULES = (
    "app.core.configuration",
    "app.core.files",
    "app.core.papers",
    "app.core.jobs",
    "app.core.clocks",
    "app.core.comments",
    "app.core.messages",
    "app.core.indicators",
    "app.core.fields",
    "app.modules.estates",
    "app.modules.people",
    "app.modules.fees",
    "app.modules.checks",
    "app.modules.duties",
    "app.modules.movein",
    "app.modules.goods",
    "app.modules.renovation",
    "app.desk",
)


def create_app(settings: config.Settings | None = None) -> Flask:
    """Build the application from ``settings`` (default: the environment). Writes nothing to the database."""
    with _nothing_collected():
        return _build(settings or config.load())


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """No search for garbage: what building makes stays, and searching it over and over takes a third of the start."""
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()


def _build(settings: config.Settings) -> Flask:
    app = Flask(__name__, static_folder="static", template_folder="templates")
    app.config.from_mapping(_flask_config(settings))
    keyring = Keyring.load_or_create(settings.keys_file)
    use_keyring(keyring)
    app.secret_key = keyring.secret_key

    registry = Registry()
    app.extensions["guanjia"] = registry
    for name in MODULES:
        importlib.import_module(name).register(registry)

    db.init_app(app)
    app.extensions["migrate"] = LocalProxy(partial(_migrations, app))
    csrf.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
        from app.fab import init_fab

        init_fab(app, db, registry)
    return app


def _migrations(app: Flask) -> object:
    """Flask-Migrate's settings, made when first asked for: loading Alembic is a tenth of the start, and no page needs it."""
    from flask_migrate import Migrate

    Migrate(app, db, directory=str(config.ROOT / "migrations"), render_as_batch=True, compare_type=True)
    return app.extensions["migrate"]  # now itself


def _flask_config(settings: config.Settings) -> dict[str, object]:
    return {
        "GUANJIA": settings,
        "SQLALCHEMY_DATABASE_URI": settings.database_address,
        "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(settings),
        "MAX_CONTENT_LENGTH": settings.upload_megabytes * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 4 * 1024 * 1024,
        "SESSION_COOKIE_SECURE": settings.secure_cookies,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=settings.session_hours),
        "BABEL_DEFAULT_LOCALE": settings.language,
        "BABEL_DEFAULT_TIMEZONE": settings.time_zone,
        "BABEL_TRANSLATION_DIRECTORIES": str(config.ROOT / "translations"),
        "LANGUAGES": {"zh": {"flag": "cn", "name": "中文"}, "en": {"flag": "gb", "name": "English"}},
        "WTF_CSRF_TIME_LIMIT": None,
        "APP_NAME": "Guanjia 管家",
        "FAB_UPDATE_PERMS": False,
        "FAB_CREATE_DB": False,
    }


def _engine_options(settings: config.Settings) -> dict[str, object]:
    if settings.database_address.startswith("sqlite"):
        return {"connect_args": {"check_same_thread": False}}
    return {
        "pool_size": settings.web_threads,
        "max_overflow": settings.web_threads,
        "connect_args": {"keepalives_idle": 60},  # seconds; a server gone without a word is noticed meanwhile
    }
