"""From inspections and settlements to the plain values of C8, C9 and the contents of the permit file (RN-12, RN-13)."""

from __future__ import annotations

from typing import Any, cast

from app.core.access.masking import mask_bank
from app.core.files.models import Attachment
from app.core.files.services import attachments_of
from app.core.papers.base.context import Bilingual, Header, Signature
from app.core.papers.filling import kind_of, local
from app.core.papers.titles import in_both
from app.core.records.base import session_of
from app.core.records.clock import estate_today
from app.modules.renovation.application_papers import FOLDER, of_unit
from app.modules.renovation.completion import POINTS
from app.modules.renovation.completion_models import CompletionInspection, RenovationSettlement
from app.modules.renovation.models import Renovation
from app.modules.renovation.papers.completion import context as c8
from app.modules.renovation.papers.deposit_refund import context as c9
from app.modules.renovation.papers.permit_file import context as contents
from app.modules.renovation.permit_file import entries_of
from app.modules.renovation.set_off import shares_of
from app.modules.renovation.states import APPROVED, OPEN_VIOLATIONS, PassState

CENTRE = Signature(role=Bilingual("物业服务中心", "Property service centre"), stamp=True)


def _case(renovation: Renovation, header: Header) -> dict[str, Any]:
    """The values of :class:`~app.modules.renovation.papers.shared.context.Case`."""
    return {
        "header": of_unit(renovation, header), "renovation_no": renovation.number, "permit_no": renovation.permit_no or "",
        "applicant": renovation.applicant.name, "company": renovation.company,
    }  # fmt: skip


def inspection(record: CompletionInspection, header: Header) -> c8.Context:
    """C8 装修验收表."""
    renovation, points = record.renovation, record.points
    inspected_at = local(record, record.inspected_at)
    return c8.Context(
        **_case(renovation, header),
        requested_at=local(renovation, renovation.completion_requested_at),
        inspected_at=inspected_at,
        round=cast(Any, record.round.value),
        points=tuple(
            c8.Point(title=in_both(title), result=cast(Any, points[code]))
            for code, title in POINTS.items()
            if code in points
        ),
        ponding_record=record.ponding_record,
        findings=record.findings,
        result=cast(Any, record.result.value),
        photos=len(attachments_of(session_of(record), record, kind="photo")),
        warranty_received=record.warranty_received,
        warranty_to=renovation.warranty_to,
        waterproofing_to=renovation.waterproofing_to,
        present=record.present,
        inspector=record.inspector_name,
        signatures=(
            Signature(role=Bilingual("装修人", "Renovating party")),
            Signature(role=Bilingual("施工单位", "Contractor"), stamp=True),
            Signature(role=Bilingual("验收人", "Inspector"), name=record.inspector_name, signed_on=inspected_at.date()),
            CENTRE,
        ),
    )


def days_since(settlement: RenovationSettlement) -> int:
    """Days from the acceptance to the refund, or to today."""
    paid = local(settlement.renovation, settlement.paid_at)
    day = paid.date() if paid else estate_today(session_of(settlement), settlement.estate_id)
    return (day - settlement.accepted_on).days


def settlement(record: RenovationSettlement, header: Header) -> c9.Context:
    """C9 装修押金退还单 in its present state."""
    session, renovation = session_of(record), record.renovation
    issued = [one for one in renovation.passes if one.state != PassState.REPLACED]
    back = [one for one in issued if one.state == PassState.RETURNED]
    paid_at = local(renovation, record.paid_at)
    whose = {True: Bilingual("施工单位押金", "Contractor's deposit"), False: Bilingual("业主押金", "Owner's deposit")}
    steps = (
        (Bilingual("客服主管审核", "Supervisor"), record.checked_by_name, record.checked_at),
        (Bilingual("经理批准", "Manager"), record.approved_by_name, record.approved_at),
        (Bilingual("出纳退款", "Cashier"), record.paid_by_name, record.paid_at),
    )
    return c9.Context(
        **_case(renovation, header),
        accepted_on=record.accepted_on,
        days=days_since(record),
        passes=f"{len(back)} / {len(issued)}",
        open_violations="、".join(one.number for one in renovation.violations if one.state in OPEN_VIOLATIONS),
        receipts=record.deposit_receipt,
        deposits=tuple(
            c9.Deposit(
                payer=share.payer, whose=whose[share.company], item=share.line.title, amount=share.deposit,
                set_off=share.set_off, refund=share.refund,
                receipt=share.line.refund.receipt_no if share.line.refund else "",
            )
            for share in shares_of(session, record)
        ),
        deductions=tuple(
            c9.Deduction(
                reason=line.reason, clause=line.clause, amount=line.amount,
                evidence=session.get_one(Attachment, line.evidence_id).name,
            )
            for line in record.deductions
        ),
        deposit=record.deposit,
        deducted=record.deducted,
        refund=record.refund,
        claim=record.claim,
        payee=record.payee_name,
        account=mask_bank(record.payee_account or ""),
        way="transfer" if record.payee_account else "cash",
        identified=record.id_checked,
        approvals=tuple(c9.Approval(step=step, name=name, at=local(renovation, at)) for step, name, at in steps),
        signatures=(
            Signature(role=Bilingual("收款人", "Payee")),
            Signature(
                role=Bilingual("出纳", "Cashier"), name=record.paid_by_name,
                signed_on=paid_at.date() if paid_at else None,
            ),
            CENTRE,
        ),
    )  # fmt: skip


def contents_of(renovation: Renovation, header: Header) -> contents.Context:
    """装修档案目录: what lies in the permit file now."""
    return contents.Context(
        **_case(renovation, header),
        accepted_on=renovation.accepted_on,
        state=in_both(renovation.state.title),
        entries=tuple(
            contents.Entry(
                code=entry.code, title=Bilingual(entry.title_zh, entry.title_en), number=entry.number, dated=entry.dated,
                original=entry.original, pages=entry.pages,
            )
            for entry in entries_of(session_of(renovation), renovation)
        ),
        signatures=(
            Signature(role=Bilingual("归档人", "Filed by"), name=header.issued_by),
            Signature(role=Bilingual("档案管理员", "Document administrator")),
        ),
    )  # fmt: skip


KINDS = (
    kind_of(FOLDER / "completion", CompletionInspection, inspection, resource="Renovation"),
    kind_of(FOLDER / "deposit_refund", RenovationSettlement, settlement, number=lambda record: record.number),
    kind_of(FOLDER / "permit_file", Renovation, contents_of, states=APPROVED),
)
