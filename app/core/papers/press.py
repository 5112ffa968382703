"""The process that lays papers out (:mod:`app.core.papers.renderer` is its other end).

It reads work from a socket and answers with a line of JSON and the bytes it made. Before each piece of work it sets its
own limits, which the kernel keeps: an alarm and a processor limit end it, beyond the address space nothing is given.
"""

from __future__ import annotations

import gc
import json
import math
import os
import pickle
import resource
import select
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app.core.papers import layout, skeleton, writing
from app.core.papers.editing import looking
from app.core.papers.refused import Refused
from app.core.papers.render import PaperMeta
from app.core.papers.renderer import texts_of
from app.core.papers.template import BASE

IDLE_SECONDS = 1800.0
"""Without work for so long it ends, and gives its memory back."""
MEGABYTE = 1024 * 1024
TIDIED, RENEWED = 220 * MEGABYTE, 300 * MEGABYTE
"""Memory in use at which it looks for what can be given back, and at which it lets a fresh process take its place."""

WORK: dict[str, Callable[..., tuple[Any, bytes]]] = {
    "lay_out": layout.lay_out,
    "skeleton": skeleton.compile_skeleton,
    "write": writing.write_edited,
    "visible": looking.visible,
    "pictures": looking.pictures,
    "subsetter": layout.subsetter_present,
}


def main() -> None:
    for ending in (signal.SIGINT, signal.SIGTERM):  # it ends with whoever it works for, after the paper in hand
        signal.signal(ending, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    number = int(sys.argv[1])
    watching = threading.Thread(target=_end_with_owner, args=(number,), daemon=True)
    watching.start()
    with Connection(number) as connection:
        sheet = texts_of([BASE / "base.css"])  # without our fonts it would read those of the system, 100 MB
        layout.lay_out("<p lang=zh-CN>暖 warm <b>热</b>", sheet, "both", PaperMeta(title="warm-up"), b"")
        gc.collect()
        gc.freeze()
        gc.set_threshold(200_000, 50, 50)
        try:
            while connection.poll(IDLE_SECONDS):
                limits, work, given = pickle.loads(connection.recv_bytes())  # noqa: S301 (our own process wrote it)
                if not _answer(connection, limits, WORK[work], given):
                    break
        except (EOFError, ConnectionError):  # the owner is gone; what it left is being removed
            watching.join()


def _answer(connection: Connection, limits: tuple[int, int, int], work: Callable[..., Any], given: Any) -> bool:
    """Do the work and send what came of it; false when this process is not fit for more."""
    fit = True
    _limit(*limits)
    try:
        said, made = work(*given)
        answer = {"said": said}
    except Refused as refused:
        answer, made = {"failed": [refused.sentence, refused.values]}, b""
    except (MemoryError, SystemError):  # the latter from libraries in C that had no memory
        answer, made, fit = {"failed": ["too large", {}]}, b"", False
    except RecursionError:
        answer, made = {"failed": ["too deep", {}]}, b""
    except Exception as error:  # whatever a library stumbles over must not look like a broken machine
        answer, made = {"failed": ["broken", {"reason": f"{type(error).__name__}: {error}"[:200]}]}, b""
    _limit(None, None, 0)
    connection.send_bytes(json.dumps(answer).encode() + b"\n" + made)
    if in_use() > TIDIED:
        gc.collect()
    return fit and in_use() < RENEWED


def _limit(megabytes: int | None, cpu_seconds: int | None, seconds: int) -> None:
    """Set the limits of one piece of work, counted from now; nothing: none."""
    for kind, most in ((resource.RLIMIT_AS, megabytes and megabytes * MEGABYTE), (resource.RLIMIT_CPU, cpu_seconds)):
        hard = resource.getrlimit(kind)[1]
        if most is not None and kind == resource.RLIMIT_CPU:
            most += math.ceil(time_used())
        soft = hard if most is None else most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (soft, hard))
    signal.alarm(seconds)


def time_used() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def in_use() -> int:
    """Bytes of memory that this process occupies."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _end_with_owner(number: int) -> None:
    """End at once when the other end of the socket is gone, whatever is being laid out."""
    watch = select.poll()
    watch.register(number, 0)
    while not any(event & (select.POLLHUP | select.POLLERR) for _fd, event in watch.poll()):
        pass
    shutil.rmtree(Path.cwd(), ignore_errors=True)
    os._exit(0)
