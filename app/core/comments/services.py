"""Writing comments, telling those they mention, withdrawing them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.core.access.actor import Actor, NotAllowed
from app.core.access.models import Account, Membership
from app.core.audit.log import record_event
from app.core.comments.models import LONGEST, Comment
from app.core.messages.services import notify
from app.core.records.base import Record, now
from app.core.records.identifiers import InvalidValue
from app.core.records.lookup import reach, resource_of
from app.core.registry import registry

MENTIONED = "comment.mentioned"
AT = re.compile(r"(?<![\w.])[@＠]")


@dataclass(frozen=True)
class Colleague:
    """Somebody a comment can mention. ``names``: what may stand after the @."""

    id: int
    names: tuple[str, ...]
    roles: frozenset[str]


def add_comment(session: Session, record: Record, text: str, *, actor: Actor, chosen: Iterable[int] = ()) -> Comment:
    """Keep ``text`` as the actor's comment on ``record`` and tell the colleagues it mentions.

    ``@`` with a user name or display name of a colleague of the estate mentions them; ``chosen``: account ids picked
    from the list, which tell people of the same name apart.

    Raises:
        NotAllowed: the actor may not read the record.
        InvalidValue: no text, too long, an ambiguous name, or somebody who may not read the record.
    """
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise InvalidValue(_l("Write something first."))
    if len(text) > LONGEST:
        raise InvalidValue(_l("A comment has at most %(limit)s characters.", limit=LONGEST))
    reach(session, record.__tablename__, record.id, verb="read", actor=actor)
    mentions = mentioned(text, colleagues(session, record.estate_id), set(chosen)) if AT.search(text) else {}
    _refuse_strangers(mentions, resource_of(record.__tablename__))
    comment = Comment(
        estate_id=record.estate_id, record_type=record.__tablename__, record_id=record.id, unit_id=record.audit_unit,
        text=text, mentions={name: colleague.id for name, colleague in mentions.items()},
    )  # fmt: skip
    session.add(comment)
    session.flush()
    record_event(session, "comment", comment, note=text)
    if mentions:
        notify(session, MENTIONED, record, people=set(comment.mentions.values()))
    return comment


def withdraw_comment(session: Session, comment: Comment, *, actor: Actor) -> None:
    """Take back the actor's own comment; that it was there, whose it was and when it went stays on record."""
    if comment.created_by_id != actor.user_id:
        raise NotAllowed(f"withdraw comment {comment.id}")
    if comment.withdrawn_at is None:
        comment.withdrawn_at = now()
        session.flush()
        record_event(session, "withdraw", comment)


def colleagues(session: Session, estate_id: int) -> list[Colleague]:
    """The active accounts that serve the estate."""
    found = session.scalars(
        select(Account)
        .where(Account.active.is_(True), Account.memberships.any(Membership.estate_id == estate_id))
        .options(selectinload(Account.roles))
    )
    return [
        Colleague(account.id, (account.display_name, account.username), frozenset(role.name for role in account.roles))
        for account in found
    ]


def mentioned(text: str, people: Sequence[Colleague], chosen: set[int]) -> dict[str, Colleague]:
    """Who stands behind the ``@…`` of a text, by what follows the @; the longest name that fits counts.

    Raises:
        InvalidValue: several colleagues have that name and none, or more than one, of them was chosen.
    """
    named: dict[str, list[Colleague]] = {}
    for colleague in people:
        for name in {name.casefold() for name in colleague.names if name}:
            named.setdefault(name, []).append(colleague)
    found: dict[str, Colleague] = {}
    for place in AT.finditer(text):
        rest = text[place.end() :].casefold()
        name = max((name for name in named if _begins(rest, name)), key=len, default="")
        if not name:
            continue
        written = text[place.end() : place.end() + len(name)]
        meant = named[name] if len(named[name]) == 1 else [c for c in named[name] if c.id in chosen]
        if len(meant) != 1:
            users = "、".join(sorted(f"@{colleague.names[-1]}" for colleague in named[name]))
            raise InvalidValue(
                _l("Several colleagues are called “%(name)s”; write %(users)s.", name=written, users=users)
            )
        found[written] = meant[0]
    return found


def _begins(rest: str, name: str) -> bool:
    """``rest`` starts with this very name: one in Latin letters must not go on (``li`` is not ``lily``)."""
    if not rest.startswith(name):
        return False
    following = rest[len(name) : len(name) + 1]
    return not (name[-1].isascii() and following.isascii() and (following.isalnum() or following == "_"))


def _refuse_strangers(mentions: dict[str, Colleague], resource: str | None) -> None:
    rights = registry().rights
    readers = {str(role) for role, held in rights.items() if ("read", resource) in held}
    strangers = [name for name, colleague in mentions.items() if not colleague.roles & readers]
    if strangers:
        names = "、".join(strangers)
        raise InvalidValue(_l("%(names)s may not open this record and could not read your comment.", names=names))
