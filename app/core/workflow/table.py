"""Workflow as a table: states, transitions, who may, what must hold; the one way a state column changes.

A transition reads as a line of the procedure manual. The same table draws the buttons (a blocked one says why),
checks the POST, runs the effect, writes the history and prints the diagram.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, object_session

from app.core.access.actor import Actor, NotAllowed
from app.core.audit.log import record_event
from app.core.clocks import services as clocks
from app.core.records.base import Record
from app.core.records.choices import Choice
from app.core.workflow.reviewers import placed

Guard = Callable[[Any, Actor], "Sequence[str] | str | None"]
"""Looks at the record and the actor; returns the sentences that stand in the way, or nothing."""


@dataclass(frozen=True)
class Look:
    """How a state shows: translatable title and Tabler badge colour."""

    title: str
    colour: str = "secondary"


def looks_of(states: type[Choice]) -> dict[Any, Look]:
    """The looks of a closed list of states whose members say their badge."""
    return {state: Look(state.title, state.colour or "secondary") for state in states}


@dataclass(frozen=True)
class Ask:
    """An input a transition asks for: field name, translatable label, whether it must be filled.

    With ``choices`` it is one of the values of a closed list, otherwise text.
    """

    name: str
    label: str
    required: bool = True
    choices: type[Choice] | None = None

    def said(self, value: str) -> str:
        """A given value as people read it."""
        known = {member.value: str(member.title) for member in self.choices or ()}
        return known.get(value, value)


class Blocked(Exception):
    """A transition cannot be made now; ``reasons`` are sentences for the person at the desk."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = [str(r) for r in reasons]
        super().__init__(" ".join(self.reasons))


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One line of the table. ``primary`` marks the next step of the normal way; ``danger`` wants a confirmation."""

    name: str
    title: str
    sources: tuple[str, ...]
    target: str
    verb: str
    needs: tuple[Guard, ...] = ()
    asks: tuple[Ask, ...] = ()
    effect: Callable[..., None] | None = None
    primary: bool = False
    danger: bool = False


@dataclass(frozen=True)
class Offer:
    """A transition as shown to a person: possible when ``blockers`` is empty."""

    transition: Transition
    blockers: tuple[str, ...]

    @property
    def possible(self) -> bool:
        return not self.blockers


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Whom a state waits for: the role in whose queue it stands, and the clock that runs in it.

    A clock that the next state names too goes on, unless the state wants it ``anew``: then every transition that leads
    here starts it over. ``paused``: the owner is waited for, clocks stand still.
    ``role``, ``person`` (an account's id) and ``due`` (a deadline somebody chose) may be read from the record.
    ``lapse``: transition that the worker makes when the state's clock has run out (:mod:`app.core.workflow.lapse`).
    """

    role: str | Callable[[Any], str]
    rule: str = ""
    anew: bool = False
    paused: bool = False
    person: Callable[[Any], int | None] | None = None
    due: Callable[[Any], datetime | None] | None = None
    lapse: str = ""


@dataclass(frozen=True)
class Workflow:
    """The table for one model. ``resource`` names the verbs' resource; ``column`` is the state column.

    ``work``: code of the :class:`~app.core.clocks.kinds.WorkKind` under which records stand in the queue in the states
    of ``waits``; in any other state they leave it, in the ``void`` ones without their clocks being met.
    """

    model: type[Record]
    resource: str
    looks: Mapping[Any, Look]
    transitions: tuple[Transition, ...]
    initial: str
    column: str = "state"
    work: str = ""
    waits: Mapping[Any, Wait] = field(default_factory=dict)
    void: tuple[str, ...] = ()
    _by_name: dict[str, Transition] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for transition in self.transitions:
            if transition.name in self._by_name:
                raise ValueError(f"{self.resource}: transition {transition.name} stands twice")
            unknown = {*transition.sources, transition.target} - set(self.looks)
            if unknown:
                raise ValueError(f"{self.resource}.{transition.name}: unknown state {', '.join(sorted(unknown))}")
            self._by_name[transition.name] = transition
        event.listen(getattr(self.model, self.column), "set", self._only_by_transition, retval=False)

    def _only_by_transition(self, record: Record, value: Any, old: Any, initiator: Any) -> None:
        if _moving.get() is record or (object_session(record) is None and value == self.initial):
            return
        if value != old:
            raise StateGuarded(f"{self.resource}.{self.column} changes only through its workflow")

    def look(self, record: Record) -> Look:
        return self.looks[getattr(record, self.column)]

    def offers(self, record: Record, actor: Actor) -> list[Offer]:
        """Transitions that leave the record's state and whose verb the actor holds, in table order."""
        state = getattr(record, self.column)
        return [
            Offer(t, tuple(blockers(t, record, actor)))
            for t in self.transitions
            if state in t.sources and actor.may(t.verb, self.resource)
        ]

    def fire(
        self, session: Session, record: Record, name: str, *, actor: Actor, inputs: Mapping[str, str] | None = None
    ) -> None:
        """Make a transition: check verb, state, guards and inputs; run the effect; change state; write history.

        Raises:
            NotAllowed: unknown transition or missing verb.
            Blocked: wrong state, a guard objects, or a required input is empty.
        """
        transition = self._by_name.get(name)
        if transition is None:
            raise NotAllowed(f"{name} {self.resource}")
        actor.require(transition.verb, self.resource)
        state = getattr(record, self.column)
        if state not in transition.sources:
            raise Blocked([_wrong_state(self.look(record).title, transition.title)])
        given = {ask.name: (inputs or {}).get(ask.name, "").strip() for ask in transition.asks}
        objections = blockers(transition, record, actor)
        objections += unanswered(transition.asks, given)
        if objections:
            raise Blocked(objections)
        token = _moving.set(record)
        try:
            with session.no_autoflush:  # the database's rules hold again only when state and effect are both in
                setattr(record, self.column, transition.target)
                if transition.effect:
                    transition.effect(record, actor=actor, **given)
        finally:
            _moving.reset(token)
        session.flush()
        record_event(
            session, "transition", record, note=" ".join(given[ask.name] for ask in transition.asks if given[ask.name] and not ask.choices),
            transition=name, source=str(state), target=str(transition.target), **given,
        )  # fmt: skip
        self.follow(session, record, moved=True)

    def follow(self, session: Session, record: Record, *, moved: bool = False) -> None:
        """Bring the record's place in the queue and its clocks in line with its state.

        Every transition does so by itself (``moved``); a service that makes a new record calls it once.
        """
        if not self.work:
            return
        state = getattr(record, self.column)
        wait = self.waits.get(state)
        if wait is None:
            clocks.close_work(session, record, self.work, void=state in self.void)
            return
        if callable(wait.role):
            role, person, elsewhere = wait.role(record), wait.person(record) if wait.person else None, frozenset[int]()
        else:
            role, person, elsewhere = placed(session, self, record.estate_id, state, wait.role)
        item = clocks.open_work(session, record, self.work, step=self._next(state), role=role, assignee_id=person)
        if moved and person is None and item.assignee_id in elsewhere:
            item.assignee_id = None  # who was named for the state before has decided
        for deadline in item.deadlines:
            over = deadline.rule_key != wait.rule or (moved and wait.anew)
            if deadline.open and over and not wait.paused and deadline.rule_key in self.rules:
                clocks.meet(session, item, deadline.rule_key)
            elif deadline.open and wait.paused:
                clocks.pause(session, deadline, str(self.look(record).title))
            elif deadline.paused_at:
                clocks.resume(session, deadline)
        if wait.rule and clocks.running(session, item, wait.rule) is None:
            clocks.start(session, item, wait.rule, due=wait.due(record) if wait.due else None)

    @property
    def rules(self) -> set[str]:
        """Clock rules that states of this table start and end."""
        return {wait.rule for wait in self.waits.values() if wait.rule}

    def _next(self, state: Any) -> str:
        leaving = [t for t in self.transitions if state in t.sources]
        return next((t.name for t in leaving if t.primary), leaving[0].name if leaving else "")

    def mermaid(self) -> str:
        """The table as a Mermaid state diagram, for the documentation."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        lines += [f"    {source} --> {t.target}: {t.name}" for t in self.transitions for source in t.sources]
        ends = set(self.looks) - {s for t in self.transitions for s in t.sources}
        return "\n".join(lines + [f"    {state} --> [*]" for state in sorted(ends)])


class StateGuarded(RuntimeError):
    """Code tried to set a state column past its workflow (a programming error)."""


_moving: ContextVar[Record | None] = ContextVar("guanjia_moving", default=None)


def blockers(transition: Transition, record: Record, actor: Actor) -> list[str]:
    """What stands in the way of a transition now, as sentences; empty when nothing does."""
    found: list[str] = []
    for guard in transition.needs:
        objection = guard(record, actor)
        if objection:
            found += [str(objection)] if not isinstance(objection, list | tuple) else [str(o) for o in objection]
    return found


def unanswered(asks: Iterable[Ask], given: Mapping[str, str]) -> list[str]:
    """What the inputs lack, as sentences: one that must be filled is empty, or a value is none of those offered."""
    found = []
    for ask in asks:
        if ask.required and not given[ask.name]:
            found.append(_missing(ask.label))
        elif ask.choices and given[ask.name] and given[ask.name] not in {member.value for member in ask.choices}:
            found.append(_not_offered(ask.label))
    return found


def not_own_entry(record: Record, actor: Actor) -> str | None:
    """Four-eyes rule: nobody decides on what they entered."""
    from flask_babel import gettext as _

    own = not actor.system and record.created_by_id == actor.user_id
    return _("You entered this record yourself; another person has to decide.") if own else None


def _wrong_state(state: str, title: str) -> str:
    from flask_babel import gettext as _

    return _("The record is now “%(state)s”; “%(action)s” is no longer possible.", state=state, action=title)


def _missing(label: str) -> str:
    from flask_babel import gettext as _

    return _("“%(field)s” must be filled in.", field=label)


def _not_offered(label: str) -> str:
    from flask_babel import gettext as _

    return _("%(field)s: choose one of the values offered.", field=label)
