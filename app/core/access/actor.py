"""Who acts: the one value that carries rights and estate scope through every service and every query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


class NoActor(RuntimeError):
    """Records were read or written while nobody was declared as acting (a programming error)."""


class NotAllowed(Exception):
    """The actor lacks a right or an estate; answered as 404 so that strangers learn nothing."""


@dataclass(frozen=True, kw_only=True)
class Deputised:
    """A colleague for whom the actor stands in: account id, name, the roles lent."""

    id: int
    name: str
    roles: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A person (or the system) with its rights.

    ``estates`` are the estates whose records the actor may see now; ``None`` means every estate (system only).
    ``estate_id`` is the estate new records belong to. ``grants`` holds ``(verb, resource)`` pairs. ``stands_for`` are
    colleagues who have handed their work over for a time; their roles and rights are among the actor's, and ``lent``
    says from whom those rights come that are not the actor's own.
    """

    user_id: int | None
    name: str
    estates: frozenset[int] | None = frozenset()
    estate_id: int | None = None
    roles: frozenset[str] = frozenset()
    grants: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)
    system: bool = False
    stands_for: tuple[Deputised, ...] = ()
    lent: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False, compare=False)
    used: set[str] = field(default_factory=set, repr=False, compare=False)
    """Names of colleagues whose rights were needed since the actor began to act."""

    def may(self, verb: str, resource: str) -> bool:
        """Tell whether the actor holds ``verb`` on ``resource`` (names as in each module's ``access.py``)."""
        return self.system or (verb, resource) in self.grants

    def require(self, verb: str, resource: str) -> None:
        """Raise :class:`NotAllowed` unless :meth:`may`; a right that a colleague lent is remembered for the log."""
        if not self.may(verb, resource):
            raise NotAllowed(f"{verb} {resource}")
        if (verb, resource) in self.lent:
            self.used.add(self.lent[verb, resource])

    @property
    def signature(self) -> str:
        """Name for the change log: it tells for whom the actor acts where a lent right was needed."""
        if not self.used:
            return self.name
        others = "、".join(sorted(self.used))
        text = f"{self.name} (for {others})" if (self.name + others).isascii() else f"{self.name}（代{others}）"
        return text[:LONGEST_NAME]

    def sees(self, estate_id: int | None) -> bool:
        return self.estates is None or estate_id in self.estates

    @property
    def required_estate_id(self) -> int:
        """Id of the estate the actor works in. Raises :class:`NotAllowed` without one: settings belong to an estate."""
        if self.estate_id is None:
            raise NotAllowed("no estate")
        return self.estate_id


def person(
    user_id: int,
    name: str,
    roles: Iterable[str],
    estate_id: int | None,
    rights: Mapping[str, frozenset[tuple[str, str]]],
    stands_for: Iterable[Deputised] = (),
) -> Actor:
    """The actor of a person in one estate; ``rights`` are those of every role."""
    own, others = frozenset(roles), tuple(stands_for)
    grants = _rights(own, rights)
    lent = {right: other.name for other in others for right in _rights(other.roles, rights) - grants}
    return Actor(
        user_id=user_id,
        name=name,
        estates=frozenset() if estate_id is None else frozenset({estate_id}),
        estate_id=estate_id,
        roles=own.union(*(other.roles for other in others)),
        grants=grants.union(lent),
        stands_for=others,
        lent=lent,
    )


def _rights(roles: Iterable[str], rights: Mapping[str, frozenset[tuple[str, str]]]) -> frozenset[tuple[str, str]]:
    return frozenset().union(*(rights.get(role, frozenset()) for role in roles))


LONGEST_NAME = 130
"""Room for a name in the change log."""

ANONYMOUS = Actor(user_id=None, name="")


def system_actor(name: str = "system", estate_id: int | None = None) -> Actor:
    """The program itself: start-up, commands, migrations, the public verification page."""
    return Actor(user_id=None, name=name, estates=None, estate_id=estate_id, system=True)


_current: ContextVar[Actor | None] = ContextVar("guanjia_actor", default=None)


def acting_person() -> Actor | None:
    """The acting person, or nothing where nobody was declared."""
    return _current.get()


def current_actor() -> Actor:
    """The acting person of this request, job or command.

    Raises:
        NoActor: nobody was declared with :func:`acting`.
    """
    actor = _current.get()
    if actor is None:
        raise NoActor("declare who acts with acting(...) before touching records")
    return actor


@contextmanager
def acting(actor: Actor) -> Iterator[Actor]:
    """Let ``actor`` act inside the ``with`` block."""
    token = _current.set(actor)
    try:
        yield actor
    finally:
        _current.reset(token)
