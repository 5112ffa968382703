"""From the name of a table and an id to the record, for what can hang on records of any kind: files, papers, jobs."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import Model
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, NotAllowed
from app.core.records.base import Record
from app.core.registry import registry


def resource_of(record_type: str) -> str | None:
    """The resource whose verbs guard records of a table; nothing for a table that nobody registered."""
    known = registry()
    if record_type in known.resources:
        return known.resources[record_type]
    for workflow in known.workflows.values():
        if workflow.model.__tablename__ == record_type:
            return workflow.resource
    for entry in known.menu:
        view: Any = entry.view
        if hasattr(view, "datamodel") and view.datamodel.obj.__tablename__ == record_type:
            return str(view.resource)
    return next((kind.resource for kind in known.papers.values() if kind.record_type == record_type), None)


def model_of(record_type: str) -> Any:
    """The model of a table. Raises ``NotAllowed`` for an unknown name, as it may come from an address."""
    for mapper in Model.registry.mappers:
        if mapper.class_.__tablename__ == record_type:
            return mapper.class_
    raise NotAllowed(record_type)


def reach(session: Session, record_type: str, record_id: int, *, verb: str, actor: Actor) -> Any:
    """The record, when the actor may do ``verb`` with it.

    A row that knows its own rule (``allows(verb, actor)``: a paper, a job) is asked; for any other the verb on the
    resource of its table counts. The estate scope of the session applies in both cases.

    Raises:
        NotAllowed: unknown table, no such row in the actor's estates, or a missing right.
    """
    model = model_of(record_type)
    own_rule = hasattr(model, "allows")
    if not own_rule:
        resource = resource_of(record_type) if issubclass(model, Record) else None
        if resource is None or not actor.may(verb, resource):
            raise NotAllowed(f"{verb} {record_type}")
    record = session.scalar(select(model).where(model.id == record_id))
    if record is None or (own_rule and not record.allows(verb, actor)):
        raise NotAllowed(f"{verb} {record_type} {record_id}")
    return record


def title_of(record: Any) -> str:
    """How a record is called in a select, a link or a message."""
    name = getattr(record, "display_name", None)
    return str(name) if name else str(record)
