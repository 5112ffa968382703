"""Who decides at each waiting state: the workflow's own role, or whom the estate set instead.

Only roles and people are offered who hold the verb of a transition that leaves the state. The setting says where work
stands in the queue; who may make a transition, and the four-eyes rule, stay with the workflow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask_appbuilder.security.sqla.models import Role as FabRole
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.orm import Session, selectinload

from app.core.access.actor import Actor, NotAllowed
from app.core.access.models import Account, Membership
from app.core.access.roles import Role
from app.core.access.sync import rights_of_roles
from app.core.audit.log import record_event
from app.core.clocks.kinds import WorkKind
from app.core.clocks.models import WorkItem
from app.core.records.refusals import FieldErrors
from app.core.registry import registry
from app.core.workflow.models import Reviewer

if TYPE_CHECKING:
    from app.core.workflow.table import Wait, Workflow  # which asks this room where work belongs


@dataclass(frozen=True)
class WaitingState:
    """A state of a workflow in which work waits, and who decides there in this estate."""

    workflow: Workflow
    state: Any
    wait: Wait
    reviewer: Reviewer | None = None
    able: bool = True
    """Whether the named person still may decide; otherwise the work stands with the workflow's role."""

    @property
    def title(self) -> str:
        return str(self.workflow.looks[self.state].title)

    @property
    def named(self) -> bool:
        """The record itself says who is waited for (a notice its addressee, say): nothing to set."""
        return callable(self.wait.role)

    @property
    def role(self) -> Role | None:
        """The workflow's own role; None when the record names it."""
        return None if callable(self.wait.role) else Role(self.wait.role)

    @property
    def decider(self) -> str:
        """Who decides here now, in words."""
        if self.reviewer and self.reviewer.person:
            return str(self.reviewer.person.display_name)
        if self.reviewer and self.reviewer.role:
            return str(Role(self.reviewer.role).title)
        return str(self.role.title) if self.role else _("whoever the record names")

    @property
    def own(self) -> bool:
        """Whether the estate set somebody itself."""
        return self.reviewer is not None and bool(self.reviewer.role or self.reviewer.person_id)

    @property
    def decisions(self) -> list[str]:
        """Titles of the transitions that lead out of the state."""
        return [str(t.title) for t in self.workflow.transitions if self.state in t.sources]


def waiting_states(session: Session, estate_id: int) -> dict[str, list[WaitingState]]:
    """Every waiting state of every workflow with work, by the workflow's resource."""
    rows = select(Reviewer).where(Reviewer.estate_id == estate_id).options(selectinload(Reviewer.person))
    kept = {(row.workflow, row.state): row for row in session.scalars(rows)}
    return {
        resource: [_described(session, workflow, state, kept.get((resource, str(state)))) for state in workflow.waits]
        for resource, workflow in registry().workflows.items()
        if workflow.work and workflow.waits
    }


def waiting_state(session: Session, estate_id: int, resource: str, state: str) -> WaitingState:
    """One of them. Raises :class:`NotAllowed` when there is none of that name."""
    workflow = registry().workflows.get(resource)
    known = next((s for s in workflow.waits if str(s) == state), None) if workflow and workflow.work else None
    if workflow is None or known is None:
        raise NotAllowed(f"{resource} {state}")
    return _described(session, workflow, known, reviewer_of(session, estate_id, resource, state))


def _described(session: Session, workflow: Workflow, state: Any, row: Reviewer | None) -> WaitingState:
    able = row is None or row.person_id is None or _is_able(session, workflow, row.estate_id, state, row.person_id)
    return WaitingState(workflow, state, workflow.waits[state], row, able)


def placed(
    session: Session, workflow: Workflow, estate_id: int, state: Any, role: str
) -> tuple[str, int | None, frozenset[int]]:
    """Where work in ``state`` belongs: role, account, and the accounts named for other states of the workflow.

    ``role``: the workflow's own. A named person who no longer serves the estate, or may no longer decide there, counts
    for nothing. One statement unless a person is named.
    """
    mine = (Reviewer.estate_id == estate_id, Reviewer.workflow == workflow.resource)
    rows = {
        row.state: row
        for row in session.execute(select(Reviewer.state, Reviewer.role, Reviewer.person_id).where(*mine))
    }
    here = rows.pop(str(state), None)
    others = frozenset(row.person_id for row in rows.values() if row.person_id)
    if here is None:
        return str(role), None, others
    person = here.person_id
    if person is not None and not _is_able(session, workflow, estate_id, state, person):
        person = None
    return here.role or str(role), person, others


def _is_able(session: Session, workflow: Workflow, estate_id: int, state: Any, person_id: int) -> bool:
    return person_id in {person.id for person in able_people(session, workflow, estate_id, state)}


def workflow_title(resource: str) -> str:
    """What people call the records of a workflow."""
    work = registry().of(WorkKind).get(registry().workflows[resource].work)
    return str(work.title) if work else resource


def reviewer_of(session: Session, estate_id: int, resource: str, state: str) -> Reviewer | None:
    return session.scalar(
        select(Reviewer).where(
            Reviewer.estate_id == estate_id, Reviewer.workflow == resource, Reviewer.state == str(state)
        )
    )


def able_roles(session: Session, workflow: Workflow, state: Any) -> list[Role]:
    """The roles that hold the verb of a transition leaving ``state``."""
    wanted = {(t.verb, workflow.resource) for t in workflow.transitions if state in t.sources}
    rights = rights_of_roles(session)
    return [role for role in Role if wanted & rights.get(role.value, frozenset())]


def able_people(session: Session, workflow: Workflow, estate_id: int, state: Any) -> Sequence[Account]:
    """Active people of the estate in one of these roles, by name."""
    roles = [role.value for role in able_roles(session, workflow, state)]
    return session.scalars(
        select(Account)
        .where(
            Account.active.is_(True), Account.memberships.any(Membership.estate_id == estate_id),
            Account.roles.any(FabRole.name.in_(roles)),
        )
        .order_by(Account.last_name, Account.first_name, Account.id)
    ).all()  # fmt: skip


def set_reviewer(
    session: Session, resource: str, state: str, *, role: str = "", person_id: int | None = None, actor: Actor
) -> Reviewer:
    """Say who decides in a waiting state of this estate; neither role nor person: as the workflow says.

    Open work in that state moves at once: to the person, or to the role and away from whoever had it.

    Raises:
        NotAllowed: no right, or no such waiting state.
        FieldErrors: the record names who decides, both were chosen, or the role or person may not decide there.
    """
    actor.require("update", "Reviewer")
    estate_id = int(actor.estate_id or 0)
    place = waiting_state(session, estate_id, resource, state)
    if place.named:
        raise FieldErrors({"role": _l("In this state the record itself names who is waited for.")})
    if role and person_id:
        raise FieldErrors({"person_id": _l("Choose a role or a person, not both.")})
    if role and role not in able_roles(session, place.workflow, place.state):
        raise FieldErrors({"role": _l("This role may make no decision in this state.")})
    if person_id and person_id not in {p.id for p in able_people(session, place.workflow, estate_id, place.state)}:
        raise FieldErrors({"person_id": _l("This person may make no decision in this state.")})
    row = place.reviewer
    if row is None:
        row = Reviewer(estate_id=estate_id, workflow=resource, state=str(place.state))
        session.add(row)
    before, row.role, row.person_id = row.person_id, role, person_id or None
    session.flush()
    session.expire(row, ["person"])
    moved = _move(session, place, estate_id, before)
    if moved:
        record_event(session, "work_moved", row, moved=moved)
    return row


def _move(session: Session, place: WaitingState, estate_id: int, before: int | None) -> int:
    """Put the open work of the state where it belongs now; returns how much moved."""
    workflow, model = place.workflow, place.workflow.model
    role, person, _others = placed(session, workflow, estate_id, place.state, str(place.wait.role))
    waiting = select(model.id).where(model.estate_id == estate_id, getattr(model, workflow.column) == place.state)
    mine = (
        WorkItem.estate_id == estate_id, WorkItem.kind == workflow.work, WorkItem.closed_at.is_(None),
        WorkItem.record_type == model.__tablename__, WorkItem.record_id.in_(waiting),
    )  # fmt: skip
    moved = 0
    for clause, values in _moves(role, person, before):
        done = session.execute(
            update(WorkItem)
            .where(*mine, clause)
            .values(role=role, version=WorkItem.version + 1, **values)
            .execution_options(synchronize_session=False)
        )
        moved += int(done.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as every UPDATE has
    session.expire_all()
    return moved


def _moves(role: str, person: int | None, before: int | None) -> Iterator[tuple[Any, dict[str, Any]]]:
    if person:
        yield (WorkItem.role != role) | WorkItem.assignee_id.is_distinct_from(person), {"assignee_id": person}
        return
    yield WorkItem.role != role, {"assignee_id": None}
    if before:
        yield WorkItem.assignee_id == before, {"assignee_id": None}
