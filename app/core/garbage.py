"""When a process looks for garbage among its objects."""

from __future__ import annotations

import gc

NEW_OBJECTS = 20_000
"""Objects made and not freed again before a process looks for garbage among them; some megabytes."""


def spare_garbage_searches() -> None:
    """For a process that answers or prints again and again: what is there now stays, and garbage is seldom looked for.

    Forked processes share this memory, which no search walks any more. A page or a paper makes some thousand objects and
    leaves few of them in circles, yet at Python's usual threshold each pays for a search.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 10, 10)
