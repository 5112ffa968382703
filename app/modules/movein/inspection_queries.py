"""Reads of the inspection page: the case with its round, the round by spaces and as a matrix, photos, services."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.core.access.actor import NotAllowed
from app.core.files.models import Attachment
from app.core.papers.base.context import Bilingual
from app.modules.movein.inspection import Room
from app.modules.movein.models import Defect, InspectionItem, InspectionRound, MoveInCase
from app.modules.movein.states import DefectState, ItemResult

PHOTO = "photo"
"""Kind of the attachments of a defect."""


@dataclass(frozen=True)
class Space:
    """A room of the unit with its check items in this round."""

    code: str
    title: Bilingual
    items: tuple[InspectionItem, ...]

    @property
    def judged(self) -> int:
        return sum(1 for item in self.items if item.result is not None)

    @property
    def failed(self) -> int:
        return sum(1 for item in self.items if item.result == ItemResult.FAIL)


@dataclass(frozen=True)
class MatrixRow:
    """A check item with its cell in every space, empty where it is not checked."""

    title: Bilingual
    standard: Bilingual
    trade: str
    trade_title: Bilingual
    cells: tuple[InspectionItem | None, ...]


def inspected_case(session: Session, pk: int) -> MoveInCase:
    """The case with everything the inspection page shows, items of the latest round apart.

    Raises:
        NotAllowed: no such case in the actor's estates.
    """
    case = session.scalars(
        select(MoveInCase)
        .where(MoveInCase.id == pk)
        .options(
            joinedload(MoveInCase.unit),
            joinedload(MoveInCase.owner),
            joinedload(MoveInCase.rounds),
            selectinload(MoveInCase.defects).joinedload(Defect.item),
            selectinload(MoveInCase.signatures),
        )
    ).unique().one_or_none()  # fmt: skip
    if case is None:
        raise NotAllowed(f"movein_case {pk}")
    return case


def items_of_case(session: Session, pk: int, numbers: Iterable[int]) -> list[InspectionItem]:
    """Items of the case with round, case and defects, in one statement.

    Raises:
        NotAllowed: one of them is no item of this case, or the case is not the actor's.
    """
    wanted = set(numbers)
    items = session.scalars(
        select(InspectionItem)
        .where(InspectionItem.case_id == pk, InspectionItem.id.in_(wanted))
        .options(
            joinedload(InspectionItem.round).joinedload(InspectionRound.case).joinedload(MoveInCase.defects).joinedload(Defect.item)
        )
    ).unique().all()  # fmt: skip
    if not wanted or {item.id for item in items} != wanted:
        raise NotAllowed(f"inspection_item of movein_case {pk}")
    return list(items)


def spaces_of(current: InspectionRound, rooms: Sequence[Room]) -> list[Space]:
    """The round's items by space in walking order, within a space in the order of the matrix."""
    found: dict[str, list[InspectionItem]] = {room.code: [] for room in rooms}
    for item in current.items:
        found.setdefault(item.space, []).append(item)
    return [Space(code, items[0].title("space"), tuple(items)) for code, items in found.items() if items]


def matrix_of(current: InspectionRound, spaces: Sequence[Space]) -> list[MatrixRow]:
    """The round as a table: check items by trade down, spaces across."""
    lines: dict[tuple[str, str], dict[str, InspectionItem]] = {}
    for item in current.items:
        lines.setdefault((item.trade, item.item), {})[item.space] = item
    rows = []
    for (trade, _item), cells in lines.items():
        one = next(iter(cells.values()))
        rows.append(
            MatrixRow(
                title=one.title("item"), standard=one.title("standard"), trade=trade, trade_title=one.title("trade"),
                cells=tuple(cells.get(space.code) for space in spaces),
            )
        )  # fmt: skip
    return rows


def photos_of(session: Session, defects: Iterable[Defect]) -> dict[int, list[Attachment]]:
    """The photos of defects by defect."""
    numbers = [defect.id for defect in defects]
    found: dict[int, list[Attachment]] = {number: [] for number in numbers}
    if numbers:
        photos = select(Attachment).where(
            Attachment.record_type == Defect.__tablename__, Attachment.record_id.in_(numbers), Attachment.kind == PHOTO,
            Attachment.archived_at.is_(None),
        )  # fmt: skip
        for photo in session.scalars(photos.order_by(Attachment.id)):
            found[photo.record_id].append(photo)
    return found


def left_of(case: MoveInCase) -> list[Defect]:
    """Defects that are not yet re-inspected as right."""
    return [defect for defect in case.defects if defect.state != DefectState.VERIFIED]
