"""Workers and passes on the renovation's page, and what is missing before the work may begin (RN-06, RN-08)."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _

from app.core.access.actor import Actor
from app.extensions import db
from app.modules.renovation.models import Renovation
from app.modules.renovation.parts import Part, part
from app.modules.renovation.pass_queries import takes_workers, usual_days, waiting_for_pass
from app.modules.renovation.states import PERMITTED, RenovationState, WorkerState
from app.modules.renovation.workflow import passes_issued, workers_verified


@part(50)
def workers(record: Renovation, actor: Actor) -> Part | None:
    if not actor.may("read", "RenovationWorker") or not (record.workers or takes_workers(record)):
        return None
    enter = takes_workers(record) and actor.may("create", "RenovationWorker")
    return (
        _("Workers"),
        "renovation/_workers.html",
        {
            "record": record,
            "waiting": sum(1 for worker in record.workers if worker.state == WorkerState.REGISTERED),
            "enter": url_for("RenovationWorkerView.crew", renovation_id=record.id) if enter else "",
        },
    )


@part(60)
def temporary_passes(record: Renovation, actor: Actor) -> Part | None:
    running = record.state in PERMITTED
    if not actor.may("read", "TemporaryPass") or not (record.passes or running):
        return None
    waiting = waiting_for_pass(record) if running else []
    days = usual_days(db.session, record) if waiting and actor.may("issue", "TemporaryPass") else None
    begin = (workers_verified(record, actor), passes_issued(record, actor))
    return (
        _("Temporary passes"),
        "renovation/_passes.html",
        {
            "record": record,
            "passes": record.passes,
            "out": sum(one.is_out for one in record.passes),
            "waiting": waiting,
            "days": days if days and days[0] <= days[1] else None,
            "missing": [sentence for sentence in begin if sentence] if record.state == RenovationState.PASSES else [],
            "worker": True,
        },
    )
