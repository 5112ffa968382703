"""Who decides, on the page of settings and in the configuration file."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, NotAllowed
from app.core.access.models import Account, Membership
from app.core.configuration.kinds import ConfigPart, Group, Pointer, Setting
from app.core.records.identifiers import InvalidValue
from app.core.workflow.models import Reviewer
from app.core.workflow.reviewers import set_reviewer
from app.core.workflow.views import ReviewerPage


def _save(session: Session, row: Reviewer | None, values: dict[str, Any], *, actor: Actor) -> Reviewer:
    place = (row.workflow, row.state) if row else (values["workflow"], values["state"])
    kept = {"role": row.role, "person_id": row.person_id} if row else {"role": "", "person_id": None}
    chosen = {**kept, **{name: value for name, value in values.items() if name in kept}}
    try:
        return set_reviewer(session, *place, **chosen, actor=actor)
    except NotAllowed:
        raise InvalidValue(_l("This installation has no such workflow or waiting state.")) from None


REVIEWERS = ConfigPart(
    code="reviewers", title=_l("Who decides"), model=Reviewer, key=("workflow", "state"), columns=("role", "person_id"),
    resource="Reviewer", save=_save, order=40,
    pointers={
        "person_id": Pointer(
            model=Account, key="username", within=lambda estate: [Account.memberships.any(Membership.estate_id == estate)]
        )
    },
)  # fmt: skip
SETTING = Setting(
    code="reviewers", title=_l("Who decides"), group=Group.WORK, view=ReviewerPage, models=(Reviewer,), icon="users",
    counted=lambda: [(Reviewer.role != "") | Reviewer.person_id.is_not(None)],
    sentence=_l("In whose queue work waits for a decision, state by state of every workflow."), order=10,
)  # fmt: skip
