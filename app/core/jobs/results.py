"""What a job tells when it has ended, in one shape: a sentence, counts, what failed on which record, where to go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

from flask_babel import lazy_gettext as _l

from app.core.jobs.models import Job


class Failure(TypedDict):
    """Why one record was left out. ``table`` and ``id`` lead to its page and may be empty, ``label`` is its name."""

    table: str
    id: int
    label: str
    sentence: str
    address: NotRequired[str]  # of those that version 0.1 kept


COUNTED = {
    "done": _l("Done"),
    "refused": _l("Not done"),
    "new": _l("New"),
    "changed": _l("Changed"),
    "same": _l("Unchanged"),
    "rejected": _l("Rows not imported"),
    "papers": _l("Papers"),
}
"""What the counts of a result are called."""


def failure(sentence: str, table: str = "", record_id: int = 0, label: str = "") -> Failure:
    return Failure(table=table, id=record_id, label=label, sentence=sentence)


def outcome_of(message: str = "", failures: Sequence[Failure] = (), address: str = "", **counts: int) -> dict[str, Any]:
    """The result of a job. ``counts``: by the names of :data:`COUNTED`; ``address``: the page to go on with."""
    if unknown := counts.keys() - COUNTED.keys():
        raise ValueError(f"counts without a name: {unknown}")
    return {"message": message, "failures": list(failures), "address": address, "counts": counts}


def failures_of(job: Job) -> list[Failure]:
    """What the job could not do so far. Jobs of version 0.1 kept triples of label, address and sentence."""
    kept = job.result or job.checkpoint
    older = [
        Failure(table="", id=0, label=label, sentence=s, address=address)
        for label, address, s in kept.get("refused", [])
    ]
    return older or list(kept.get("failures", []))


def counts_of(job: Job) -> list[tuple[Any, int]]:
    """The counts of the job's result with what they are called."""
    return [(COUNTED[name], count) for name, count in job.result.get("counts", {}).items() if name in COUNTED]
