"""Serving: a production WSGI server (gunicorn) with web processes and background workers."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import click
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

import config


class _Server(BaseApplication):
    def __init__(self, settings: config.Settings) -> None:
        self.settings = settings
        self.workers = Workers(settings)
        super().__init__()

    def run(self) -> None:
        _Arbiter(self, self.workers).run()

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
            "when_ready": _greet(self.settings),
            "on_exit": lambda arbiter: self.workers.stop(),
        }
        for name, value in chosen.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        from app import create_app
        from app.core.garbage import spare_garbage_searches
        from app.extensions import db

        app = create_app(self.settings)
        with app.app_context():
            db.engine.dispose()  # no connection may cross the fork
        spare_garbage_searches()
        if self.settings.trusted_proxies:
            from werkzeug.middleware.proxy_fix import ProxyFix

            hops = self.settings.trusted_proxies
            app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]  # how Flask's middleware is put on
        return app


class _Arbiter(Arbiter):
    """Gunicorn's master process, which about once a second looks after the background workers too."""

    def __init__(self, server: _Server, workers: Workers) -> None:
        self.background = workers
        super().__init__(server)

    def manage_workers(self) -> None:
        super().manage_workers()
        self.background.tend()


@dataclass
class _Place:
    """A worker process, and when the next may be started in its place."""

    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = 0.0


class Workers:
    """The background worker processes of this server: started, started anew when they die, and stopped with it."""

    LONGEST_PAUSE = 60.0
    """Seconds between two attempts to start a worker that always dies; one that lived so long is started at once."""

    def __init__(self, settings: config.Settings) -> None:
        self.environment = {**os.environ, **settings.environment()}
        self.places = [_Place() for _ in range(settings.workers)]

    def tend(self) -> None:
        """Start what does not run; a worker that died soon after its start has to wait, ever longer."""
        for place in self.places:
            if place.process is not None:
                if place.process.poll() is None:
                    continue
                lived = time.monotonic() - place.started
                place.pause = 0.0 if lived > self.LONGEST_PAUSE else min(max(1.0, place.pause * 2), self.LONGEST_PAUSE)
                click.echo(f"A background worker ended and is started again in {place.pause:.0f} s.", err=True)
                place.process, place.started = None, time.monotonic()
            if time.monotonic() - place.started >= place.pause or not place.started:
                place.process, place.started = self._start(), time.monotonic()

    def stop(self) -> None:
        """Ask all to stop; who is still busy after ten seconds is killed, as its work goes on with the next start."""
        running = [place.process for place in self.places if place.process and place.process.poll() is None]
        for process in running:
            process.terminate()
        until = time.monotonic() + 10
        for process in running:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(config.ROOT / "run.py"), "worker", "--parent", str(os.getpid())]
        return subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL)  # noqa: S603 (fixed arguments)


def _greet(settings: config.Settings) -> Any:
    def ready(arbiter: Any) -> None:
        click.echo(f"Guanjia 管家 → {settings.public_url}")
        if settings.demo:
            from app.core.access.demo import DEMO_ACCOUNTS, DEMO_PASSWORD

            click.echo(f"Demo accounts 演示账号 — password 密码 {DEMO_PASSWORD}")
            click.echo("  " + ", ".join(f"{account.username} {account.name}" for account in DEMO_ACCOUNTS))

    return ready


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
