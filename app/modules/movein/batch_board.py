"""The board of a concentrated move-in: every unit of the batch at a glance, and the figures of the day (MI-03)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.access.models import Account
from app.core.clocks.models import WorkItem
from app.core.papers.models import Paper
from app.core.records.clock import bounds_of
from app.modules.estates.models import Building, Entrance, Unit
from app.modules.movein.batch_models import ACTIVE_TICKETS, BatchSlot, BatchUnit, MoveInBatch, QueueTicket
from app.modules.movein.models import InspectionRound, MoveInCase
from app.modules.movein.states import LOOKS, STEPS, CaseState, Conclusion
from app.modules.movein.workflow import CASE
from app.modules.people.models import Person, Tenure, TenureRole
from app.modules.people.queries import running_on

NOT_BEGUN = "none"
"""Filter and count of the units that have no move-in yet."""
NOTICE = "F16"


@dataclass(frozen=True)
class Tile:
    """A unit on the board. ``owner`` is empty when nobody is entered; ``papers``: how many of the pack are printed."""

    id: int
    unit_id: int
    code: str
    house: str
    owner: str
    slot: BatchSlot | None
    case_id: int | None
    state: CaseState | None
    who: Account | None
    ticket: QueueTicket | None
    arrived_at: datetime | None
    completed_at: datetime | None
    papers: int
    notice: bool

    @property
    def step(self) -> str:
        return self.state.value if self.state else NOT_BEGUN

    @property
    def title(self) -> str:
        return str(LOOKS[self.state].title if self.state else _l("No move-in yet"))

    @property
    def colour(self) -> str:
        return LOOKS[self.state].colour if self.state else "secondary"

    @property
    def number(self) -> int:
        """Place of the step among the seven, 0 before the first; a completed one has them all."""
        if self.state == CaseState.COMPLETED:
            return len(STEPS)
        state = CaseState.INSPECTION if self.state == CaseState.REFUSED else self.state
        return STEPS.index(state) if state in STEPS else 0


@dataclass(frozen=True)
class Figures:
    """What happened on one day. ``average``: from arrival to keys, of those whose keys were handed over."""

    day: date
    invited: int
    arrived: int
    accepted: int
    with_defects: int
    refused: int
    keys: int
    average: timedelta | None


@dataclass(frozen=True)
class Board:
    """``tiles``: the units that pass the filters, in walking order; counts are of all."""

    tiles: Sequence[Tile]
    total: int
    counts: Mapping[str, int]
    houses: Sequence[str]
    figures: Figures


def board(
    session: Session, batch: MoveInBatch, *, day: date, house: str = "", step: str = "", text: str = "",
    today: bool = False,
) -> Board:  # fmt: skip
    """The board with the figures of ``day``; four statements, however many units.

    ``house``: building and entrance as :attr:`Tile.house`; ``step``: a state of the case or ``none``; ``text``: part of
    the unit code; ``today``: only units with an appointment on ``day`` or arrived then.
    """
    tiles = _tiles(session, batch, day)
    start, end = bounds_of(session, batch.estate_id, day, day)

    def within(moment: datetime | None) -> bool:
        return moment is not None and start <= moment < end

    counts = Counter(tile.step for tile in tiles)
    done = [tile for tile in tiles if within(tile.completed_at)]
    times = [t.completed_at - t.arrived_at for t in done if t.completed_at and t.arrived_at and t.arrived_at < t.completed_at]  # fmt: skip
    outcomes = _outcomes(session, batch, start, end)
    figures = Figures(
        day, sum(1 for t in tiles if t.slot and t.slot.day == day), sum(1 for t in tiles if within(t.arrived_at)),
        outcomes[Conclusion.ACCEPTED], outcomes[Conclusion.WITH_DEFECTS], outcomes[Conclusion.REFUSED], len(done),
        sum(times, timedelta()) / len(times) if times else None,
    )  # fmt: skip
    wanted = text.strip().upper()
    shown = [
        tile
        for tile in tiles
        if (not house or tile.house == house)
        and (not step or tile.step == step)
        and (not wanted or wanted in tile.code.upper())
        and (not today or (tile.slot is not None and tile.slot.day == day) or within(tile.arrived_at))
    ]
    return Board(shown, len(tiles), counts, list(dict.fromkeys(tile.house for tile in tiles)), figures)


def _tiles(session: Session, batch: MoveInBatch, day: date) -> list[Tile]:
    query = (
        select(BatchUnit, Unit, Building, Entrance.code, BatchSlot, MoveInCase, Person.name, WorkItem.id, Account, QueueTicket)
        .join(Unit, Unit.id == BatchUnit.unit_id)
        .join(Building, Building.id == Unit.building_id)
        .outerjoin(Entrance, Entrance.id == Unit.entrance_id)
        .outerjoin(BatchSlot, BatchSlot.id == BatchUnit.slot_id)
        .outerjoin(MoveInCase, MoveInCase.id == BatchUnit.case_id)
        .outerjoin(Person, Person.id == MoveInCase.owner_id)
        .outerjoin(
            WorkItem,
            (WorkItem.record_type == MoveInCase.__tablename__) & (WorkItem.record_id == MoveInCase.id)
            & (WorkItem.kind == CASE) & WorkItem.closed_at.is_(None),
        )
        .outerjoin(Account, Account.id == WorkItem.assignee_id)
        .outerjoin(
            QueueTicket,
            (QueueTicket.line_id == BatchUnit.id) & QueueTicket.state.in_(ACTIVE_TICKETS) & (QueueTicket.day == day),
        )
        .where(BatchUnit.batch_id == batch.id)
        .order_by(Unit.code_order)
    )  # fmt: skip
    owners, papers = _owners(session, batch, day), _papers(session, batch)
    tiles = []
    for line, unit, building, entrance, slot, case, owner, _item, who, ticket in session.execute(query):
        house = "-".join(filter(None, (building.label, entrance)))
        printed = papers.get(line.case_id, set())
        tiles.append(
            Tile(
                line.id, unit.id, unit.code, house, owner or owners.get(unit.id, ""), slot, line.case_id,
                case.state if case else None, who, ticket, line.arrived_at, case.completed_at if case else None,
                len(printed - {NOTICE}), NOTICE in printed,
            )
        )  # fmt: skip
    return tiles


def _owners(session: Session, batch: MoveInBatch, day: date) -> dict[int, str]:
    """The first owner of each unit of the batch."""
    rows = session.execute(
        select(Tenure.unit_id, Person.name)
        .join(Person, Person.id == Tenure.person_id)
        .join(BatchUnit, BatchUnit.unit_id == Tenure.unit_id)
        .where(BatchUnit.batch_id == batch.id, Tenure.role == TenureRole.OWNER, running_on(day))
        .order_by(Tenure.id.desc())
    )
    return dict(rows.all())


def _papers(session: Session, batch: MoveInBatch) -> dict[int | None, set[str]]:
    """Forms of the valid papers about the cases of the batch, by case."""
    rows = session.execute(
        select(Paper.record_id, Paper.code)
        .join(BatchUnit, BatchUnit.case_id == Paper.record_id)
        .where(
            BatchUnit.batch_id == batch.id, Paper.record_type == MoveInCase.__tablename__,
            Paper.voided_at.is_(None), Paper.superseded_by_id.is_(None),
        )
    )  # fmt: skip
    found: dict[int | None, set[str]] = {}
    for case_id, code in rows:
        found.setdefault(case_id, set()).add(code)
    return found


def _outcomes(session: Session, batch: MoveInBatch, start: datetime, end: datetime) -> Counter[Conclusion | None]:
    """Inspections of the batch that were concluded between two moments, by conclusion."""
    rows = session.execute(
        select(InspectionRound.conclusion, func.count())
        .join(BatchUnit, BatchUnit.case_id == InspectionRound.case_id)
        .where(
            BatchUnit.batch_id == batch.id, InspectionRound.concluded_at >= start, InspectionRound.concluded_at < end
        )
        .group_by(InspectionRound.conclusion)
    )
    return Counter(dict(rows.all()))
