"""Who acts: the one value that carries rights and estate scope through every service and every query."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


class NoActor(RuntimeError):
    """Records were read or written while nobody was declared as acting (a programming error)."""


class NotAllowed(Exception):
    """The actor lacks a right or an estate; answered as 404 so that strangers learn nothing."""


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A person (or the system) with its rights.

    ``estates`` are the estates whose records the actor may see now; ``None`` means every estate (system only).
    ``estate_id`` is the estate new records belong to. ``grants`` holds ``(verb, resource)`` pairs.
    """

    user_id: int | None
    name: str
    estates: frozenset[int] | None = frozenset()
    estate_id: int | None = None
    roles: frozenset[str] = frozenset()
    grants: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)
    system: bool = False

    def may(self, verb: str, resource: str) -> bool:
        """Tell whether the actor holds ``verb`` on ``resource`` (names as in each module's ``access.py``)."""
        return self.system or (verb, resource) in self.grants

    def require(self, verb: str, resource: str) -> None:
        """Raise :class:`NotAllowed` unless :meth:`may`."""
        if not self.may(verb, resource):
            raise NotAllowed(f"{verb} {resource}")

    def sees(self, estate_id: int | None) -> bool:
        return self.estates is None or estate_id in self.estates


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
