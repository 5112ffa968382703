"""Where papers are laid out: in a process of its own, under limits, which may be killed without harm.

Every process that prints (web process, background worker) has at most one renderer, started with its first paper. The
renderer has its own temporary folder, sees no settings or secrets, may use so much memory, processor and time for one
paper, and ends with the process that started it or after a while without work. One that was killed or broke off is
replaced by the next paper; the paper that was its end is refused with a sentence.
"""

from __future__ import annotations

import atexit
import dataclasses
import fcntl
import functools
import hashlib
import io
import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from flask import current_app, has_app_context
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

import config
from app.core.papers.render import FONT_URLS, LANGUAGES, MAX_HTML, PaperError, PaperMeta
from app.core.records.identifiers import InvalidValue

GRACE = 5.0
"""Seconds after its time limit in which a renderer must have ended by itself before it is killed."""
LARGEST = 256_000_000
"""Bytes of an answer."""
FOLDERS = "guanjia-renderer-"
ENTRY = Path(__file__).parent / "entry.py"
ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "XDG_CACHE_HOME", "LD_LIBRARY_PATH", "FONTCONFIG_FILE")
"""What a renderer sees of the environment: no setting, no password."""


UNNAMED = PaperMeta(title="")
"""What a PDF that is shown once says about itself: nothing."""


class RenderFailed(PaperError, InvalidValue):
    """A paper that cannot be laid out; the sentence says why, in the reader's language."""


@dataclass(frozen=True)
class Limits:
    """What one paper may use: address space in MiB, processor seconds, seconds altogether."""

    megabytes: int
    cpu_seconds: int
    seconds: int


def render(html: str, css: Sequence[Path | str], *, language: str = "both", meta: PaperMeta = UNNAMED) -> bytes:
    """The PDF of ``html`` under style sheets (a path, or CSS text), one after the other; the same input, the same bytes.

    ``language`` is ``zh``, ``en`` or ``both``.

    Raises:
        RenderFailed: it cannot be laid out within the limits, or asks for anything but our fonts and ``data:`` URIs.
        PaperError: unknown language.
    """
    if language not in LANGUAGES:
        raise PaperError(f"unknown paper language {language!r}")
    if len(html) > MAX_HTML:
        raise RenderFailed(TOO_MANY)
    styles = texts_of(css)
    identifier = hashlib.sha256("\0".join([repr(meta), language, html, *styles]).encode()).digest()[:16]
    _said, pdf = renderer().ask("lay_out", html, styles, language, meta, identifier)
    return pdf


def texts_of(css: Sequence[Path | str]) -> list[str]:
    """The style sheets as CSS text."""
    return [sheet.read_text(encoding="utf-8") if isinstance(sheet, Path) else sheet for sheet in css]


def check_printing() -> list[str]:
    """What keeps this machine from printing well, one sentence each; empty when all is there.

    A missing HarfBuzz subsetter costs half the speed and a missing bold face prints regular, both without an error.
    """
    problems = [f"font file {path.name} is missing" for path in FONT_URLS.values() if not path.is_file()]
    if not renderer().ask("subsetter")[0]:
        problems.append("libharfbuzz-subset is not installed (Debian package libharfbuzz-subset0)")
    return problems


def warm_up() -> None:
    """Start the renderer, so that the first paper need not wait for it."""
    renderer().start()


class Renderer:
    """The renderer of this process; threads take turns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._folder: _Folder | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the running renderer."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Have a renderer running."""
        with self._lock:
            self._running()

    def ask(self, work: str, *given: Any) -> tuple[Any, bytes]:
        """Have the renderer do ``work`` (a function of :mod:`app.core.papers.press`): what it said, and bytes it made.

        Raises:
            RenderFailed: refused, or not done within the limits.
        """
        limits = _limits()
        question = packed((dataclasses.astuple(limits), work, given))
        with self._lock:
            answer = self._answer(question, limits)
            if answer is None:  # it had ended for want of work, or somebody killed it from outside
                answer = self._answer(question, limits)
        if answer is None:
            raise RenderFailed(BROKE_OFF)
        head, _line, made = answer.partition(b"\n")
        said = json.loads(head)
        if "failed" in said:
            sentence, values = said["failed"]
            raise RenderFailed(_filled(sentence, values))
        return said["said"], made

    def stop(self) -> None:
        """End the renderer and remove what it left."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            try:
                self._process.wait(0.2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._folder is not None:
            self._folder.remove()
        self._connection = self._process = self._folder = None

    def forget(self) -> None:
        """Let go of the renderer of the process that this one was forked from."""
        if self._connection is not None:
            self._connection.close()
        self.__init__()  # type: ignore[misc]  # a lock held by a thread that the fork did not copy must go too

    def _answer(self, question: bytes, limits: Limits) -> bytes | None:
        """Its answer; nothing when it was gone through no fault of the question."""
        connection = self._running()
        stopped = False
        try:
            connection.send_bytes(question)
            if connection.poll(limits.seconds + GRACE):
                return connection.recv_bytes(LARGEST)
            stopped = True
        except (EOFError, OSError):
            pass
        ended = -signal.SIGALRM if stopped else self._how_it_ended()
        self.stop()
        if ended in (0, -signal.SIGKILL, -signal.SIGTERM):
            return None
        raise RenderFailed(TOO_LONG if ended in (-signal.SIGALRM, -signal.SIGXCPU) else BROKE_OFF)

    def _how_it_ended(self) -> int:
        assert self._process is not None
        try:
            return self._process.wait(1)
        except subprocess.TimeoutExpired:
            return 1

    def _running(self) -> Connection:
        if self._process is not None and self._process.poll() is not None:
            self.stop()
        if self._connection is None:
            self._folder = _Folder()
            ours, its = socket.socketpair()
            seen = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
            command = [sys.executable, "-P", str(ENTRY), str(its.fileno())]
            self._process = subprocess.Popen(  # noqa: S603 (fixed arguments)
                command, stdin=subprocess.DEVNULL, cwd=self._folder.path, pass_fds=[its.fileno()],
                env={**seen, "TMPDIR": str(self._folder.path), "PYTHONPATH": str(config.ROOT)},
            )  # fmt: skip
            its.close()
            self._connection = Connection(ours.detach())
        return self._connection


TOO_LONG = _l("The paper took too long to lay out and was stopped; it may have too many rows or go in circles.")
TOO_LARGE = _l("The paper needs too much memory to lay out and was stopped; it may have too many rows or pictures.")
BROKE_OFF = _l("The paper broke the program that lays it out. Other papers are not affected.")
TOO_MANY = _l("The paper is too long to be laid out; it may have too many rows.")
SENTENCES: Mapping[str, LazyString] = {
    "too large": TOO_LARGE,
    "too many": TOO_MANY,
    "too deep": _l("Too many parts of the paper stand inside each other; put tables and frames side by side."),
    "too wide": _l("A table cell may take up %(most)s columns or rows at most."),
    "picture": _l("A picture on the paper is no PNG or JPEG, or is too large; 25 megapixels are the limit."),
    "outside": _l("A paper may not read other resources: %(address)s"),
    "template": _l("Line %(line)s of the template: %(reason)s"),
    "not allowed": _l("“%(what)s” is not allowed in a template (line %(line)s)."),
    "broken": _l("The paper cannot be laid out: %(reason)s"),
}


def _filled(sentence: str, values: Mapping[str, Any]) -> LazyString:
    return LazyString(lambda: str(SENTENCES[sentence]) % values if values else str(SENTENCES[sentence]))


class _Folder:
    """A temporary folder that is locked as long as its owner lives; those of the dead are removed with the next."""

    def __init__(self) -> None:
        for left in Path(tempfile.gettempdir()).glob(f"{FOLDERS}*"):
            _remove_if_left(left)
        self.path = Path(tempfile.mkdtemp(prefix=FOLDERS))
        self._lock = os.open(self.path, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _remove_if_left(path: Path) -> None:
    try:
        lock = os.open(path, os.O_RDONLY)
    except OSError:  # gone, or another user's
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
    except OSError:
        pass
    finally:
        os.close(lock)


def _limits() -> Limits:
    settings = current_app.config["GUANJIA"] if has_app_context() else config.Settings()
    return Limits(settings.render_megabytes, settings.render_cpu_seconds, settings.render_seconds)


@functools.cache
def renderer() -> Renderer:
    """This process's renderer."""
    made = Renderer()
    atexit.register(made.stop)
    os.register_at_fork(after_in_child=made.forget)
    return made


class _Pickler(pickle.Pickler):
    """Contexts whose class is made from a ``meta.yaml`` travel as their names and values."""

    def reducer_override(self, value: Any) -> Any:
        if dataclasses.is_dataclass(value) and type(value).__module__ == "types":
            return stand_in, (type(value).__name__, vars(value))
        return NotImplemented


def packed(value: Any) -> bytes:
    """What the renderer unpickles; it trusts us, we read only JSON and PDF from it."""
    out = io.BytesIO()
    _Pickler(out).dump(value)
    return out.getvalue()


def stand_in(name: str, values: Mapping[str, Any]) -> Any:
    """A frozen dataclass of these values."""
    return dataclasses.make_dataclass(name, [*values], frozen=True, kw_only=True)(**values)
