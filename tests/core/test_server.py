"""``run.py serve``: web processes and a worker start together, answer, and leave together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import config
from app.extensions import db
from tests.conftest import migrated_app, new_database

pytestmark = pytest.mark.slow


def test_settings_survive_the_way_into_another_process(tmp_path: Path) -> None:
    settings = config.Settings(instance_dir=tmp_path, demo=True, port=9001, language="en")
    assert config.load(settings.environment()) == settings


def test_the_server_answers_and_takes_its_worker_with_it(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for address in new_database(tmp_path):
        settings = config.Settings(instance_dir=tmp_path, database_url=address, port=port, web_processes=1, workers=2)
        app = migrated_app(settings)
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        environment = {**os.environ, **settings.environment()}
        server = subprocess.Popen(
            [sys.executable, "run.py", "serve"], cwd=config.ROOT, env=environment, stderr=subprocess.PIPE
        )
        try:
            assert "<html" in page(f"http://127.0.0.1:{port}/login/", server)
            workers = children(server.pid, "worker", 2)
            assert len(workers) == 2
            os.kill(workers[0], signal.SIGKILL)
            dead, workers = workers[0], children(server.pid, "worker", 2, without=workers[0])
            assert len(workers) == 2 and dead not in workers  # another one took its place
        finally:
            server.send_signal(signal.SIGTERM)
            _out, complaints = server.communicate(timeout=40)
        assert server.returncode == 0
        assert b"Traceback" not in complaints
        assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def page(address: str, server: subprocess.Popen[bytes]) -> str:
    """The page, once the server is up; at most half a minute."""
    for _ in range(300):
        assert server.poll() is None, server.stderr.read() if server.stderr else ""
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not come up")


def children(pid: int, word: str, count: int, without: int = 0) -> list[int]:
    """Process numbers of the children whose command line holds ``word``; they may take a moment to be ``count``."""
    found: list[int] = []
    for _ in range(100):
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        found = [int(child) for child in listed if word in Path(f"/proc/{child}/cmdline").read_text()]
        if len(found) == count and without not in found:
            return found
        time.sleep(0.1)
    return found
