"""The accompanied inspection: rounds, results, defects with party and deadline, re-inspection (MI-10, MI-11; F01)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, current_actor
from app.core.comments.services import add_comment
from app.core.papers.base.context import Bilingual
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.records.numbering import next_number
from app.modules.estates.models import DeliveryType, Unit
from app.modules.movein.models import Defect, InspectionItem, InspectionRound, MoveInCase, MoveInItem
from app.modules.movein.states import CaseState, DefectState, ItemResult, Severity
from app.modules.movein.work import follow_defect, forget_defect

ROUND_OPENS = (CaseState.INSPECTION, CaseState.REFUSED)
"""States in which a round may be opened; from the refusal it is opened by the transition to the re-inspection."""


@dataclass(frozen=True)
class Room:
    """A space of the unit: ``code`` tells two of a kind apart (bedroom, bedroom-2)."""

    code: str
    space: str
    title: Bilingual


def items_of(session: Session, list_name: str) -> Sequence[MoveInItem]:
    """Active entries of a code list of the acting person's estate, in their order."""
    return lists_of(session, list_name)[list_name]


CHINESE_DIGITS = {"一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6}


def rooms_of(layout: str, layouts: Sequence[MoveInItem], spaces: dict[str, Bilingual]) -> list[Room]:
    """Rooms of a unit by its layout text (三室两厅两卫); a layout nobody knows counts as three bedrooms."""
    found = re.search(r"([一两二三四五六1-6])\s*[室房]", layout)
    bedrooms = CHINESE_DIGITS.get(found[1]) or int(found[1]) if found else 3
    fitting = [entry for entry in layouts if entry.data["bedrooms"] <= bedrooms] or list(layouts[:1])
    rooms = []
    for room in fitting[-1].data["rooms"]:
        title = Bilingual(room["zh"], room["en"]) if "zh" in room else spaces[room["space"]]
        rooms.append(Room(room["code"], room["space"], title))
    return rooms


def lists_of(session: Session, *names: str) -> dict[str, list[MoveInItem]]:
    """As :func:`items_of` for several code lists, read at once."""
    lists: dict[str, list[MoveInItem]] = {name: [] for name in names}
    mine = (MoveInItem.list_name.in_(names), MoveInItem.estate_id == current_actor().estate_id, MoveInItem.active)
    for entry in session.scalars(select(MoveInItem).where(*mine).order_by(MoveInItem.seq, MoveInItem.id)):
        lists[entry.list_name].append(entry)
    return lists


def rooms_of_unit(session: Session, unit: Unit) -> list[Room]:
    """Rooms of a unit in walking order."""
    lists = lists_of(session, "spaces", "layouts")
    return rooms_of(unit.layout, lists["layouts"], {entry.code: entry.title for entry in lists["spaces"]})


def open_round(
    session: Session,
    case: MoveInCase,
    *,
    actor: Actor,
    inspected_on: date | None = None,
    weather: str = "",
    builder: str = "",
) -> InspectionRound:
    """Open the next round. The first checks the whole matrix; later ones only what was not yet found right.

    Raises:
        InvalidValue: a round is open already, the case is not at the inspection, or the day lies in the future.
    """  # fmt: skip
    actor.require("inspect", "MoveInCase")
    if case.state not in ROUND_OPENS:
        raise InvalidValue(_("This is not possible while the case is at “%(state)s”.", state=case.state.title))
    if case.round and case.round.conclusion is None:
        raise InvalidValue(_("Inspection round %(number)s is still open.", number=case.round.round_no))
    today = estate_today(session, case.estate_id)
    _require_past(inspected_on or today, today)
    previous = case.round
    current = InspectionRound(
        estate_id=case.estate_id,
        case=case,
        number=next_number(session, case.estate_id, "INSP", today.year),
        round_no=previous.round_no + 1 if previous else 1,
        inspected_on=inspected_on or today,
        inspector_id=actor.user_id,
        inspector_name=actor.name,
        delivery_type=case.unit.delivery_type or DeliveryType.SHELL,
        weather=weather.strip(),
        builder=builder.strip() or (previous.builder if previous else ""),
    )
    session.add(current)
    session.flush()
    lines = _lines_to_recheck(case) if previous else _lines_of_matrix(session, case, current)
    current.items.extend(
        InspectionItem(estate_id=case.estate_id, case_id=case.id, seq=seq, **line) for seq, line in enumerate(lines, 1)
    )
    session.flush()
    return current


def _require_past(day: date, today: date) -> None:
    if day > today:
        raise InvalidValue(_("The day of the inspection lies in the future."))


def describe_round(
    session: Session,
    current: InspectionRound,
    *,
    inspected_on: date,
    weather: str,
    builder: str,
    owner_remarks: str,
    actor: Actor,
) -> None:
    """Correct the head of an open round: day, weather, builder, what the owner remarks.

    Raises:
        InvalidValue: the round is concluded, or the day lies in the future.
    """  # fmt: skip
    actor.require("inspect", "MoveInCase")
    _require_open(current)
    _require_past(inspected_on, estate_today(session, current.estate_id))
    current.inspected_on, current.weather, current.builder = inspected_on, weather.strip(), builder.strip()
    current.owner_remarks = owner_remarks.strip()
    session.flush()


def _lines_to_recheck(case: MoveInCase) -> Iterator[dict[str, object]]:
    for defect in case.defects:
        if defect.state != DefectState.VERIFIED:
            item = defect.item
            yield {"trade": item.trade, "item": item.item, "space": item.space, "titles": item.titles}


def _lines_of_matrix(session: Session, case: MoveInCase, current: InspectionRound) -> Iterator[dict[str, object]]:
    rooms = rooms_of_unit(session, case.unit)
    trades = {entry.code: entry.title for entry in items_of(session, "trades")}
    for entry in items_of(session, "check_items"):
        if current.delivery_type.value not in entry.data["delivery"]:
            continue
        for room in rooms:
            if room.space in entry.data["spaces"]:
                yield {
                    "trade": entry.data["trade"], "item": entry.code, "space": room.code,
                    "titles": {
                        "trade": _pair(trades[entry.data["trade"]]), "item": _pair(entry.title), "space": _pair(room.title),
                        "standard": [entry.data["standard"]["zh"], entry.data["standard"]["en"]],
                    },
                }  # fmt: skip


def _pair(text: Bilingual) -> list[str]:
    return [text.zh, text.en]


def _require_open(item_round: InspectionRound) -> None:
    if item_round.conclusion is not None or item_round.case.state != CaseState.INSPECTION:
        raise InvalidValue(_("This inspection round is concluded; nothing can be changed in it."))


def judge(session: Session, item: InspectionItem, *, result: ItemResult | None, note: str = "", actor: Actor) -> None:
    """Set the result of one item. A re-inspected item that passes closes its defect, one that fails opens it again."""
    actor.require("inspect", "MoveInCase")
    _require_open(item.round)
    if result != ItemResult.FAIL and _own_defect(item):
        raise InvalidValue(_("A defect is entered for this item; remove the defect first."))
    item.result, item.note = result, note.strip()
    _recheck(session, item, actor)
    session.flush()


def pass_rest(session: Session, current: InspectionRound, *, space: str = "", trade: str = "", actor: Actor) -> int:
    """Mark everything not yet judged (in a space or trade) as passed; returns how many items that were."""
    actor.require("inspect", "MoveInCase")
    _require_open(current)
    rest = [
        i
        for i in current.items
        if i.result is None and (not space or i.space == space) and (not trade or i.trade == trade)
    ]
    for item in rest:
        item.result = ItemResult.PASS
        _recheck(session, item, actor)
    session.flush()
    return len(rest)


def _own_defect(item: InspectionItem) -> Defect | None:
    return next((d for d in item.round.case.defects if d.item_id == item.id), None)


def defect_of(item: InspectionItem) -> Defect | None:
    """The defect entered for the item, or the older one whose re-inspection the item is."""
    own = _own_defect(item)
    if own or item.round.round_no == 1:
        return own
    return next((d for d in item.round.case.defects if _same_place(d.item, item)), None)


def _same_place(one: InspectionItem, other: InspectionItem) -> bool:
    return (one.trade, one.item, one.space) == (other.trade, other.item, other.space)


def _recheck(session: Session, item: InspectionItem, actor: Actor) -> None:
    if item.round.round_no == 1:
        return
    today = estate_today(session, item.estate_id)
    for defect in item.round.case.defects:
        if not _same_place(defect.item, item):
            continue
        if item.result == ItemResult.PASS:
            defect.fixed_on = defect.fixed_on or today
            defect.state, defect.verified_on, defect.verified_by_name = DefectState.VERIFIED, today, actor.name
            defect.verified_round = item.round.round_no
        elif item.result == ItemResult.FAIL:
            defect.state, defect.verified_on, defect.verified_by_name, defect.fixed_on = (
                DefectState.OPEN,
                None,
                "",
                None,
            )
            defect.due_on = due_date(session, item, defect.severity, today)
        defect.recheck_note = item.note
        follow_defect(session, defect)


def limit_days(session: Session, item: InspectionItem, severity: Severity) -> int:
    """Days allowed for rectification: the limit named by the severity, else by the check item, else by its trade."""
    return limits_of(session, item)[severity]


def limits_of(session: Session, item: InspectionItem) -> dict[Severity, int]:
    """Days allowed for a defect of this item, by severity. Retired list entries still count for items checked before."""
    lists = select(MoveInItem).where(
        MoveInItem.estate_id == item.estate_id,
        (MoveInItem.list_name == "limits")
        | ((MoveInItem.list_name == "check_items") & (MoveInItem.code == item.item))
        | ((MoveInItem.list_name == "trades") & (MoveInItem.code == item.trade)),
    )
    data: dict[tuple[str, str], dict[str, Any]] = {(e.list_name, e.code): e.data for e in session.scalars(lists)}
    limit = data.get(("check_items", item.item), {}).get("limit") or data[("trades", item.trade)]["limit"]
    usual: int = data[("limits", limit)]["days"]
    return {s: data[("limits", "structural")]["days"] if s == Severity.STRUCTURAL else usual for s in Severity}


def due_date(session: Session, item: InspectionItem, severity: Severity, start: date) -> date:
    """Calendar days from ``start``, which itself does not count (Civil Code arts. 201–203)."""
    return start + timedelta(days=limit_days(session, item, severity))


def report_defect(
    session: Session,
    item: InspectionItem,
    *,
    description: str,
    severity: Severity,
    party: str,
    party_name: str = "",
    position: str = "",
    due_on: date | None = None,
    actor: Actor,
) -> Defect:
    """Enter the defect of a failed item, or correct its entry; the due date follows the trade's limit unless given.

    Raises:
        InvalidValue: no description, an unknown party, or a due date before the inspection.
    """  # fmt: skip
    actor.require("inspect", "MoveInCase")
    _require_open(item.round)
    if not description.strip():
        raise InvalidValue(_("Describe the defect."))
    if party not in {entry.code for entry in items_of(session, "responsible_parties")}:
        raise InvalidValue(_("Choose who is responsible."))
    due = due_on or due_date(session, item, severity, item.round.inspected_on)
    if due < item.round.inspected_on:
        raise InvalidValue(_("The deadline lies before the inspection."))
    case = item.round.case
    defect = defect_of(item)
    if defect is None:
        seq = max((d.seq for d in case.defects), default=0) + 1
        defect = Defect(estate_id=item.estate_id, case=case, unit_id=case.unit_id, item=item, seq=seq)
        session.add(defect)
    defect.description, defect.severity, defect.position = description.strip(), severity, position.strip()
    defect.party, defect.party_name = party, party_name.strip()
    item.result = ItemResult.FAIL
    _recheck(session, item, actor)
    defect.due_on = due
    session.flush()
    follow_defect(session, defect)
    return defect


def remove_defect(session: Session, defect: Defect, *, actor: Actor) -> None:
    """Take back a defect entered by mistake while its round is open; the change log keeps it."""
    actor.require("inspect", "MoveInCase")
    _require_open(defect.item.round)
    forget_defect(session, defect)
    defect.item.result = None
    case = defect.case
    case.defects.remove(defect)
    session.delete(defect)
    session.flush()


def postpone(session: Session, defect: Defect, *, due_on: date | None, reason: str, actor: Actor) -> None:
    """Give an open defect a later deadline; the reason stands on its timeline.

    Raises:
        InvalidValue: no reason, the defect is not open, or the day is not later than the deadline and today.
    """
    actor.require("inspect", "MoveInCase")
    if defect.state != DefectState.OPEN:
        raise InvalidValue(_("Only an open defect gets a new deadline."))
    if due_on is None or due_on <= defect.due_on or due_on < estate_today(session, defect.estate_id):
        raise InvalidValue(_("The new deadline must be later than the present one (%(day)s).", day=defect.due_on))
    if not reason.strip():
        raise InvalidValue(_("Say why the deadline is moved."))
    defect.due_on = due_on
    session.flush()
    follow_defect(session, defect)
    add_comment(session, defect, reason, actor=actor)


def report_fixed(session: Session, defect: Defect, *, fixed_on: date | None = None, actor: Actor) -> None:
    """The responsible party reports the defect as rectified; it waits for the re-inspection."""
    actor.require("rectify", "MoveInCase")
    if defect.state != DefectState.OPEN:
        raise InvalidValue(_("This defect was reported as rectified already."))
    today = estate_today(session, defect.estate_id)
    if fixed_on and fixed_on > today:
        raise InvalidValue(_("The day of rectification lies in the future."))
    defect.fixed_on, defect.state = fixed_on or today, DefectState.FIXED
    session.flush()
    follow_defect(session, defect)


def verify_fixed(session: Session, defect: Defect, *, passed: bool, note: str = "", actor: Actor) -> None:
    """Re-inspect one defect outside a round, after the unit was accepted with a defects list (MI-11)."""
    actor.require("inspect", "MoveInCase")
    if defect.state != DefectState.FIXED:
        raise InvalidValue(_("This defect is not waiting for re-inspection."))
    today = estate_today(session, defect.estate_id)
    defect.recheck_note = note.strip()
    if passed:
        defect.state, defect.verified_on, defect.verified_by_name = DefectState.VERIFIED, today, actor.name
    else:
        defect.state, defect.fixed_on = DefectState.OPEN, None
        defect.due_on = due_date(session, defect.item, defect.severity, today)
    session.flush()
    follow_defect(session, defect)
