"""Serving: a production WSGI server (gunicorn) with web processes and one background worker."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from contextlib import suppress
from typing import Any

import click
from gunicorn.app.base import BaseApplication

import config


class _Server(BaseApplication):
    def __init__(self, settings: config.Settings) -> None:
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        chosen = {
            "bind": f"{self.settings.host}:{self.settings.port}",
            "workers": self.settings.web_processes,
            "threads": self.settings.web_threads,
            "worker_class": "gthread",
            "timeout": 120,
            "graceful_timeout": 20,
            "max_requests": 20000,
            "max_requests_jitter": 2000,
            "loglevel": "warning",
            "proc_name": "guanjia",
            "preload_app": True,
            "control_socket_disable": True,
            "when_ready": _when_ready(self.settings),
            "on_exit": _stop_worker,
        }
        for name, value in chosen.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        from app import create_app
        from app.extensions import db

        app = create_app(self.settings)
        with app.app_context():
            db.engine.dispose()  # no connection may cross the fork
        if self.settings.trusted_proxies:
            from werkzeug.middleware.proxy_fix import ProxyFix

            hops = self.settings.trusted_proxies
            app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
        return app


_worker: subprocess.Popen[bytes] | None = None


def _when_ready(settings: config.Settings) -> Any:
    def ready(arbiter: Any) -> None:
        global _worker
        command = [sys.executable, str(config.ROOT / "run.py"), "worker", "--parent", str(os.getpid())]
        environment = {**os.environ, **settings.environment()}
        _worker = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)  # noqa: S603 (fixed arguments)
        click.echo(f"Guanjia 管家 → {settings.public_url}")
        if settings.demo:
            from app.core.access.demo import DEMO_ACCOUNTS, DEMO_PASSWORD

            click.echo(f"Demo accounts 演示账号 — password 密码 {DEMO_PASSWORD}")
            click.echo("  " + ", ".join(f"{account.username} {account.name}" for account in DEMO_ACCOUNTS))

    return ready


def _stop_worker(arbiter: Any) -> None:
    if _worker and _worker.poll() is None:
        _worker.terminate()
        with suppress(subprocess.TimeoutExpired):
            _worker.wait(10)


def prepare_apart(settings: config.Settings) -> None:
    """:func:`prepare` in a process of its own, so that the server starts lean; stops the program when it fails."""
    preparing = multiprocessing.get_context("spawn").Process(target=prepare, args=(settings,), name="guanjia-prepare")
    preparing.start()
    preparing.join()
    if preparing.exitcode:
        raise SystemExit(preparing.exitcode)


def prepare(settings: config.Settings) -> None:
    """Migrate the database, synchronise rights and code lists, and load the demo estate into an empty database."""
    from app import create_app
    from app.core.access.actor import acting, system_actor
    from app.core.access.sync import sync_permissions
    from app.core.records.database import refresh_statistics
    from app.core.registry import registry
    from app.desk.demo import is_empty, load_demo
    from app.extensions import db
    from app.modules.estates.services import seed_estates

    settings.instance_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    app = create_app(settings)
    with app.app_context(), acting(system_actor()):
        _upgrade_if_behind()
        sync_permissions(db.session, registry().rights)
        seed_estates(db.session)
        db.session.commit()
        if is_empty():
            click.echo("Loading the demo estate … 正在载入演示小区……")
            click.echo(load_demo())
        db.session.remove()
        refresh_statistics(db.engine)


def _upgrade_if_behind() -> None:
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from flask_migrate import upgrade

    from app.extensions import db

    script = ScriptDirectory(str(config.ROOT / "migrations"))
    with db.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current != script.get_current_head():
        upgrade()


def serve(settings: config.Settings) -> None:
    """Serve until stopped."""
    settings.instance_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    _Server(settings).run()
