"""What of the move-in is spot-checked: papers, the six records, internal routing (MI-12), and the fees (MI-13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.roles import Role
from app.core.audit.models import AuditEntry
from app.core.files.services import attachments_of
from app.core.papers.base.context import Bilingual
from app.core.papers.models import Paper
from app.core.records.clock import estate_zone
from app.modules.checks.kinds import CheckKind
from app.modules.checks.queries import numbered_at_units, papers_about
from app.modules.estates.models import Unit
from app.modules.fees.models import Bill, BillLine, FeeItem
from app.modules.fees.queries import proposed_items, standing_bills
from app.modules.fees.services import Charge, amount_of
from app.modules.fees.states import MONTHLY, FeeBasis
from app.modules.movein.models import MoveInCase
from app.modules.movein.queries import fact, records_of
from app.modules.movein.states import CaseState
from app.modules.movein.workflow import MOVE_IN

CASE = MoveInCase.__tablename__
ENTRIES = ("create", "update", "transition", "sign", "signature")
"""Kinds of log entries that are somebody's work on a case; looking, printing and commenting are not."""


# Populations: (id, label) of the records of a period


def completed_between(session: Session, estate_id: int, start: datetime, end: datetime) -> list[tuple[int, str]]:
    """Move-ins completed in the period."""
    return numbered_at_units(
        session, MoveInCase, estate_id, MoveInCase.completed_at >= start, MoveInCase.completed_at < end
    )


def routed_between(session: Session, estate_id: int, start: datetime, end: datetime) -> list[tuple[int, str]]:
    """Move-ins that went from one step to another in the period."""
    moved = select(AuditEntry.record_id).where(
        AuditEntry.record_type == CASE, AuditEntry.kind == "transition", AuditEntry.at >= start, AuditEntry.at < end
    )
    return numbered_at_units(session, MoveInCase, estate_id, MoveInCase.id.in_(moved))


def billed_between(session: Session, estate_id: int, start: datetime, end: datetime) -> list[tuple[int, str]]:
    """Move-ins with a bill issued in the period that is not cancelled."""
    zone = estate_zone(session, estate_id)
    billed = select(Bill.source_id).where(
        Bill.source_type == CASE, Bill.cancelled_at.is_(None),
        Bill.issued_on >= start.astimezone(zone).date(), Bill.issued_on < end.astimezone(zone).date(),
    )  # fmt: skip
    return numbered_at_units(session, MoveInCase, estate_id, MoveInCase.id.in_(billed))


# What the checker sees beside the questions


def paper_facts(session: Session, paper: Paper) -> dict[str, Any]:
    """An issued paper, the signature under it and the signed copy filed with it."""
    case = session.get_one(MoveInCase, paper.record_id)
    return {
        "paper": paper, "case": case, "signature": case.signature(paper.code),
        "copies": len(paper.copies), "files": attachments_of(session, paper),
    }  # fmt: skip


def record_facts(session: Session, case: MoveInCase) -> dict[str, Any]:
    """The six records (MI-02), the papers checked at the counter, the defects."""
    return {"case": case, "records": records_of(session, case)}


def routing_facts(session: Session, case: MoveInCase) -> dict[str, Any]:
    """The internal routing of the case: every step with who, when and how long, and the internal notes."""
    entries = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.subject_type == CASE, AuditEntry.subject_id == case.id, AuditEntry.kind.in_(("create", "transition", "comment")),
               AuditEntry.record_type.in_((CASE, "comment")))
        .order_by(AuditEntry.id)
    ).all()  # fmt: skip
    titles = {t.name: t.title for t in MOVE_IN.transitions}
    lines: list[dict[str, Any]] = []
    before: datetime | None = None
    for entry in entries:
        title = titles.get(fact(entry, "transition")) or (
            _("Comment") if entry.kind == "comment" else _("Move-in opened")
        )
        hours = round((entry.at - before).total_seconds() / 3600, 1) if before and entry.kind == "transition" else None
        state = fact(entry, "target")
        lines.append({
            "title": title, "at": entry.at, "who": entry.actor_name, "note": entry.note, "hours": hours,
            "state": CaseState(state).title if state else "",
        })  # fmt: skip
        before = entry.at if entry.kind != "comment" else before
    return {"case": case, "lines": lines}


@dataclass(frozen=True, kw_only=True)
class FeeLine:
    """A fee of a move-in against the catalogue: what was to be billed, what was billed and paid, what differs.

    ``expected`` is the catalogue's rate × the unit's quantity × the months billed, in yuan; None for an item that was
    not billed or is no longer in the catalogue.
    """

    title: Bilingual
    price: str
    expected: Decimal | None
    billed: Decimal | None
    discount: Decimal
    paid: Decimal
    reckoning: str
    bill: str
    differences: tuple[str, ...]


def compare_fees(session: Session, case: MoveInCase) -> list[FeeLine]:
    """Every fee of a move-in against the fee items (MI-13): those billed, and those expected but not billed."""
    items = {item.id: item for item in proposed_items(session)}
    bills = standing_bills(session, case)
    billed = {line.fee_item_id for bill in bills for line in bill.lines}
    compared = [
        _billed(case.unit, items.get(line.fee_item_id), line, bill.number) for bill in bills for line in bill.lines
    ]
    lacking = [i for i in items.values() if (i.mandatory or i.proposed) and i.rate and i.id not in billed]
    return compared + [_not_billed(item) for item in lacking]


def _billed(unit: Unit, item: FeeItem | None, line: BillLine, number: str) -> FeeLine:
    differences: list[str] = []
    expected = None
    if item is None:
        differences.append(_("no longer in the catalogue"))
    else:
        area = item.basis in (FeeBasis.GFA, FeeBasis.GFA_MONTH)
        if area and line.quantity != unit.gross_area:
            differences.append(_("billed for another area than the unit's"))
        elif item.basis == FeeBasis.UNIT and line.quantity != 1:
            differences.append(_("billed more than once per unit"))
        if line.rate != item.rate:
            differences.append(
                _("rate is %(billed)s, catalogue %(rate)s", billed=line.rate.normalize(), rate=item.price)
            )
        if line.handling_fee != item.handling_fee:
            differences.append(_("another handling fee than the catalogue's"))
        if not area or unit.gross_area is not None:
            months = line.months if item.basis in MONTHLY else None
            expected = amount_of(Charge(item=item, quantity=line.quantity, months=months), unit)
            if line.amount != expected and not differences:
                differences.append(_("amount differs"))
    if line.discount:
        differences.append(_("discount: %(reason)s", reason=line.discount_reason))
    if line.outstanding:
        differences.append(_("not paid yet") if not line.received else _("partly paid"))
    return FeeLine(
        title=line.title, price=item.price if item else "", expected=expected, billed=line.amount, discount=line.discount,
        paid=line.received, reckoning=line.reckoning, bill=number, differences=tuple(differences),
    )  # fmt: skip


def _not_billed(item: FeeItem) -> FeeLine:
    said = _("mandatory, but not billed") if item.mandatory else _("usual at move-in, but not billed")
    return FeeLine(
        title=item.title, price=item.price, expected=None, billed=None, discount=Decimal(0), paid=Decimal(0), reckoning="",
        bill="", differences=(said,),
    )  # fmt: skip


def fee_facts(session: Session, case: MoveInCase) -> dict[str, Any]:
    """The comparison and its sums."""
    lines = compare_fees(session, case)
    return {
        "case": case, "lines": lines, "differing": sum(1 for line in lines if line.differences),
        "expected": sum((line.expected or Decimal(0) for line in lines), Decimal(0)),
        "billed": sum(((line.billed or Decimal(0)) - line.discount for line in lines), Decimal(0)),
        "paid": sum((line.paid for line in lines), Decimal(0)),
    }  # fmt: skip


# Authors: nobody checks their own entries


def case_authors(session: Session, case: MoveInCase) -> set[int]:
    """Accounts that worked on the case."""
    worked = select(AuditEntry.actor_id).where(
        AuditEntry.subject_type == CASE, AuditEntry.subject_id == case.id, AuditEntry.kind.in_(ENTRIES)
    )
    return {number for number in session.scalars(worked.distinct()) if number}


def fee_authors(session: Session, case: MoveInCase) -> set[int]:
    """Accounts that billed the case or took its payments."""
    bills = standing_bills(session, case)
    return {
        number for bill in bills for number in (bill.created_by_id, *(p.created_by_id for p in bill.payments)) if number
    }


CHECKS = (
    CheckKind(
        code="movein.papers", title=Bilingual("入住资料抽查", "Papers of move-ins"), clause="MI-12", resource="MoveInCase",
        model=Paper, population=papers_about(CASE), sheet="movein/checks/_paper.html", facts=paper_facts,
        questions=(
            Bilingual("资料是否用现行版本签发，中英文内容是否一致", "Was the current version issued, do Chinese and English agree?"),
            Bilingual("需业主签字的资料是否已签字并归档", "Is what the owner has to sign signed and filed?"),
            Bilingual("姓名、房号、日期与登记是否一致", "Do name, unit and date agree with the register?"),
            Bilingual("个人信息是否按规定遮盖", "Is personal data masked as the rules ask?"),
        ),
    ),
    CheckKind(
        code="movein.records", title=Bilingual("入住记录抽查", "Records of move-ins"), clause="MI-12", resource="MoveInCase",
        model=MoveInCase, population=completed_between, sheet="movein/checks/_records.html", facts=record_facts,
        authors=case_authors,
        questions=(
            Bilingual("六项记录是否齐全", "Are the six records complete?"),
            Bilingual("签字与日期是否齐全且先后合理", "Are signatures and dates there and in a sensible order?"),
            Bilingual("缺陷是否都有责任单位、期限和复验", "Does every defect have a responsible party, a deadline and a re-inspection?"),
            Bilingual("表底数、钥匙数量是否填写", "Are the meter readings and the number of keys filled in?"),
        ),
    ),
    CheckKind(
        code="movein.notes", title=Bilingual("入住内部流转抽查", "Internal routing of move-ins"), clause="MI-12",
        resource="MoveInCase", model=MoveInCase, population=routed_between, sheet="movein/checks/_routing.html",
        facts=routing_facts, authors=case_authors,
        questions=(
            Bilingual("各环节是否按顺序流转，经办人是否为该岗位人员", "Were the steps taken in order, by the people whose steps they are?"),
            Bilingual("退回、撤回是否写明原因", "Do steps back and withdrawals give their reason?"),
            Bilingual("是否有环节停留过久", "Did the case lie too long at a step?"),
        ),
    ),
    CheckKind(
        code="movein.fees", title=Bilingual("入住收费核对", "Fees of move-ins against the fee items"), clause="MI-13",
        resource="Bill", model=MoveInCase, population=billed_between, sheet="movein/checks/_fees.html", facts=fee_facts,
        authors=fee_authors, role=Role.CASHIER,
        questions=(
            Bilingual("应收项目是否全部开单，是否有目录以外的收费", "Is every fee item due billed, and nothing outside the catalogue?"),
            Bilingual("单价、面积、月数和金额是否正确", "Are rates, areas, months and amounts right?"),
            Bilingual("减免是否有原因和批准", "Do discounts have a reason and an approval?"),
            Bilingual("已收款是否开具收据", "Is there a receipt for everything received?"),
        ),
    ),
)  # fmt: skip
