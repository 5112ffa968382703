"""Whether the records of a move-in are complete: nine documents issued (MI-01), six records kept (MI-02).

Each piece is an expression over the case, so that one statement tells everything about a page of cases, finds the cases
that lack something, and counts the complete ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, and_, case, exists, func, not_, select
from sqlalchemy.orm import Session, joinedload

from app.core.indicators.kinds import Ratio
from app.core.records.choices import Choice
from app.core.records.clock import bounds_of
from app.modules.fees.models import Bill
from app.modules.movein.gates import OWNER_SIGNS
from app.modules.movein.models import CaseSignature, EntrustedService, Handout, MoveInCase
from app.modules.movein.states import CaseState, ServiceState

WINDOW = 100
"""Cases looked through for one page of those that lack something."""

HANDED_OUT = tuple(f"F0{number}" for number in range(1, 10))
"""The nine documents of MI-01, by the code under which they stand among the documents to hand out."""


class PieceState(Choice):
    """How far a document or record of a move-in is."""

    MISSING = "missing", _l("Missing")
    PRESENT = "present", _l("Present")
    UNSIGNED = "unsigned", _l("Issued, not signed")
    SIGNED = "signed", _l("Signed")

    @property
    def colour(self) -> str:
        return {"missing": "red", "present": "green", "unsigned": "orange", "signed": "green"}[self.value]

    @property
    def complete(self) -> bool:
        return self in (PieceState.PRESENT, PieceState.SIGNED)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A document or record: form code, clause, the step where it comes about, and what has to hold of the case.

    ``there``: it was issued or kept; ``signed``: the owner has signed it, None where nobody has to.
    """

    code: str
    clause: str
    step: str
    there: ColumnElement[bool] | None = None
    signed: ColumnElement[bool] | None = None

    @property
    def complete(self) -> ColumnElement[bool]:
        return and_(*(clause for clause in (self.there, self.signed) if clause is not None))

    def state(self, there: bool, signed: bool) -> PieceState:
        if self.signed is None:
            return PieceState.PRESENT if there else PieceState.MISSING
        if not there:
            return PieceState.MISSING
        return PieceState.SIGNED if signed else PieceState.UNSIGNED if self.there is not None else PieceState.MISSING


def _handed(code: str) -> ColumnElement[bool]:
    return exists().where(Handout.case_id == MoveInCase.id, Handout.code == code, Handout.issued_at.is_not(None))


def _signed(code: str) -> ColumnElement[bool]:
    return exists().where(
        CaseSignature.case_id == MoveInCase.id, CaseSignature.paper == code, CaseSignature.role == "owner",
        CaseSignature.revoked_at.is_(None),
    )  # fmt: skip


def _bill(*clauses: Any) -> ColumnElement[bool]:
    return exists().where(
        Bill.estate_id == MoveInCase.estate_id, Bill.source_type == MoveInCase.__tablename__,
        Bill.source_id == MoveInCase.id, Bill.cancelled_at.is_(None), *clauses,
    )  # fmt: skip


NOTHING_LEFT_TO_DO = ~exists().where(
    EntrustedService.case_id == MoveInCase.id, EntrustedService.state == ServiceState.OPEN
)
DOCUMENTS = tuple(
    Piece(
        code=code, clause="MI-01", there=_handed(code), signed=_signed(code) if code in OWNER_SIGNS else None,
        step=CaseState.HANDOUT if code not in OWNER_SIGNS else CaseState.SIGNING,
    )
    for code in HANDED_OUT
)  # fmt: skip
RECORDS = (
    Piece(code="F10", clause="MI-02", step=CaseState.REGISTRATION, signed=_signed("F10")),
    Piece(code="F11", clause="MI-02", step=CaseState.INSPECTION, signed=_signed("F11")),
    Piece(code="F12", clause="MI-02", step=CaseState.HANDOUT, signed=_signed("F12")),
    Piece(code="F13", clause="MI-02", step=CaseState.KEYS, signed=_signed("F13")),
    Piece(code="F14", clause="MI-02", step="services", there=NOTHING_LEFT_TO_DO),
    Piece(code="F15", clause="MI-02", step=CaseState.FEES, there=and_(_bill(), not_(_bill(Bill.open)))),
)
PIECES = (*DOCUMENTS, *RECORDS)
BY_CODE: Mapping[str, Piece] = {piece.code: piece for piece in PIECES}
COMPLETE = and_(*(piece.complete for piece in PIECES))
STATES = [
    clause.label(f"{piece.code}_{name}")
    for piece in PIECES
    for name, clause in (("there", piece.there), ("signed", piece.signed))
    if clause is not None
]
"""Columns that tell the state of the pieces of a case."""


@dataclass(frozen=True)
class CaseFile:
    """The documents and records of a case with the state of each, in the order of their codes."""

    case: MoveInCase
    states: Mapping[Piece, PieceState]
    more: Mapping[Any, Any]
    """Further columns of the query, by label."""

    @property
    def score(self) -> int:
        """How many pieces are complete."""
        return sum(state.complete for state in self.states.values())

    @property
    def total(self) -> int:
        return len(self.states)

    @property
    def complete(self) -> bool:
        return self.score == self.total

    @property
    def lacking(self) -> list[Piece]:
        return [piece for piece, state in self.states.items() if not state.complete]


def case_files(session: Session, query: Select[Any]) -> list[CaseFile]:
    """The cases of ``query`` (a select of :class:`MoveInCase`, then of what else) with the state of their pieces."""
    return read_files(session, with_states(query))


def with_states(query: Select[Any]) -> Select[Any]:
    """``query``, as of :func:`case_files`, with the states for :func:`read_files`."""
    return query.add_columns(*STATES).options(joinedload(MoveInCase.unit), joinedload(MoveInCase.owner))


def read_files(session: Session, query: Select[Any], values: Mapping[str, Any] | None = None) -> list[CaseFile]:
    """The cases of a ``query`` with states; ``values``: those of its parameters."""
    rows = session.execute(query, values)
    return [
        CaseFile(row.MoveInCase, {piece: _state(piece, row._mapping) for piece in PIECES}, row._mapping) for row in rows
    ]


def _state(piece: Piece, row: Mapping[Any, Any]) -> PieceState:
    return piece.state(bool(row.get(f"{piece.code}_there", True)), bool(row.get(f"{piece.code}_signed", False)))


@dataclass(frozen=True)
class Found:
    """A page of cases; ``looked_at`` is the number of the last case looked through, ``go_on`` where the next page begins."""

    files: Sequence[CaseFile]
    looked_at: str
    go_on: int | None


def look_through(
    session: Session,
    *,
    estate_id: int,
    missing: str = "any",
    states: Sequence[CaseState] = (CaseState.COMPLETED,),
    before: int | None = None,
) -> Found:
    """The next :data:`WINDOW` cases in one of ``states``, newest first, and those of them that lack a piece.

    ``missing``: a form code, ``any``, or empty for all cases. Two statements, whatever there is.
    """
    window = select(MoveInCase.id, MoveInCase.number).where(
        MoveInCase.estate_id == estate_id, MoveInCase.state.in_(states)
    )
    if before:
        window = window.where(MoveInCase.id < before)
    ids = session.execute(window.order_by(MoveInCase.id.desc()).limit(WINDOW)).all()
    if not ids:
        return Found((), "", None)
    query = select(MoveInCase).where(MoveInCase.id.in_([number for number, _case in ids]))
    if missing:
        query = query.where(not_(BY_CODE[missing].complete if missing in BY_CODE else COMPLETE))
    files = case_files(session, query.order_by(MoveInCase.id.desc()))
    last = ids[-1]
    return Found(files, last.number, last.id if len(ids) == WINDOW else None)


def records_complete(session: Session, estate_id: int, first: date, last: date) -> Ratio:
    """Move-ins completed in the period whose documents and records are complete ÷ all completed (MI-01, MI-02)."""
    start, end = bounds_of(session, estate_id, first, last)
    whole, total = session.execute(
        select(func.coalesce(func.sum(case((COMPLETE, 1), else_=0)), 0), func.count(MoveInCase.id)).where(
            MoveInCase.estate_id == estate_id, MoveInCase.completed_at >= start, MoveInCase.completed_at < end
        )
    ).one()
    return whole, total
