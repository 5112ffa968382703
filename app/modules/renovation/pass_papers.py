"""From workers and passes to the plain values of their papers: F27, F28, F29, F32 (forms C2, C3, C7)."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable

from flask import current_app
from PIL import Image, ImageOps

from app.core.files.models import Attachment
from app.core.files.services import read
from app.core.papers.base.context import Bilingual, Header, Signature
from app.core.papers.filling import kind_of, local
from app.core.papers.titles import in_both
from app.core.records.base import session_of
from app.core.records.estate import Estate
from app.modules.fees.queries import standing_bills
from app.modules.renovation.application_papers import FOLDER, of_unit
from app.modules.renovation.models import Renovation
from app.modules.renovation.papers.pass_register import context as f29
from app.modules.renovation.papers.temporary_passes import context as f28
from app.modules.renovation.papers.worker_record import context as f32
from app.modules.renovation.papers.workers import context as f27
from app.modules.renovation.pass_models import RenovationWorker, TemporaryPass
from app.modules.renovation.states import WITH_PERMIT, Conduct, PassState, RenovationState

PASS_FEES = ("pass_cost", "pass_deposit")
PORTRAIT, PORTRAIT_BYTES = (264, 352), 14_000
"""Pixels of a portrait on a paper (22 mm at 300 dpi), and how many bytes it may have there."""


def portrait(worker: RenovationWorker) -> str:
    """The worker's photo as a small JPEG ``data:`` URI; empty without one."""
    kept = session_of(worker).get(Attachment, worker.photo_id) if worker.photo_id else None
    if kept is None:
        return ""
    with Image.open(io.BytesIO(read(kept))) as picture:
        small = ImageOps.fit(picture.convert("RGB"), PORTRAIT)
    for quality in (82, 68, 52, 36, 20):
        out = io.BytesIO()
        small.save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= PORTRAIT_BYTES:
            break
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def gate_address(one: TemporaryPass) -> str:
    """What the QR code of a pass says: the gate's page about it."""
    return f"{current_app.config['GUANJIA'].public_url.rstrip('/')}/gate/{one.token}"


def workers(renovation: Renovation, header: Header) -> f27.Context:
    """F27 装修施工人员登记表."""
    checked = [(worker.verified_at, worker) for worker in renovation.workers if worker.verified_at]
    newest, last = max(checked, key=lambda pair: pair[0]) if checked else (None, None)
    at = local(renovation, newest)
    return f27.Context(
        header=of_unit(renovation, header),
        renovation_no=renovation.number,
        company=renovation.company,
        leader=renovation.leader_name,
        leader_phone=renovation.leader_phone,
        workers=tuple(
            f27.Worker(
                image=portrait(worker), name=worker.name, sex=in_both(worker.sex.title) if worker.sex else None,
                id_no=worker.masked_id, mobile=worker.masked_mobile, trade=in_both(worker.trade.title),
                certificate_no=worker.certificate_no, certificate_until=worker.certificate_until, lodging=worker.lodging,
                entered_on=worker.entered_on, left_on=worker.left_on, passes="、".join(one.number for one in worker.passes),
                misconduct=sum(1 for line in worker.conduct if line.kind == Conduct.MISCONDUCT),
                state=in_both(worker.state.title), verified_by=worker.verified_by_name,
            )
            for worker in renovation.workers
        ),
        signatures=(
            Signature(role=Bilingual("施工负责人", "Crew leader"), name=renovation.leader_name),
            Signature(
                role=Bilingual("现场管理员", "Site administrator"), name=last.verified_by_name if last else "",
                signed_on=at.date() if at else None,
            ),
        ),
    )  # fmt: skip


def _cards(renovation: Renovation, passes: Iterable[TemporaryPass], header: Header) -> f28.Context:
    estate = session_of(renovation).get_one(Estate, renovation.estate_id)
    return f28.Context(
        header=of_unit(renovation, header),
        phone=estate.service_phone,
        cards=tuple(
            f28.Card(
                number=one.number, image=portrait(one.worker), name=one.worker.name, trade=in_both(one.worker.trade.title),
                company=renovation.company, unit=renovation.unit.code, valid_from=one.valid_from, valid_to=one.valid_to,
                gate="" if header.draft else gate_address(one),
            )
            for one in passes
        ),
    )  # fmt: skip


def card(one: TemporaryPass, header: Header) -> f28.Context:
    """F28 临时出入证 of one worker."""
    return _cards(one.renovation, [one], header)


def cards(renovation: Renovation, header: Header) -> f28.Context:
    """F28 of all valid passes of a renovation."""
    return _cards(renovation, [one for one in renovation.passes if one.state == PassState.VALID], header)


def register(renovation: Renovation, header: Header) -> f29.Context:
    """F29 临时出入证发放与收回登记."""
    if renovation.permit_no is None or renovation.permit_from is None or renovation.permit_to is None:
        raise ValueError("a renovation without a permit has no passes")
    lines = [line for bill in standing_bills(session_of(renovation), renovation) for line in bill.lines]
    return f29.Context(
        header=of_unit(renovation, header),
        renovation_no=renovation.number,
        company=renovation.company,
        permit_no=renovation.permit_no,
        permit_from=renovation.permit_from,
        permit_to=renovation.permit_to,
        passes=tuple(_line(one) for one in renovation.passes),
        out=sum(one.is_out for one in renovation.passes),
        fees=tuple(
            f29.Fee(
                title=line.title, receivable=line.receivable, received=line.received,
                receipts="、".join(part.payment.receipt_no for part in line.parts),
            )
            for line in lines if line.item.code in PASS_FEES
        ),
        signatures=(
            Signature(role=Bilingual("发证人", "Issued by")),
            Signature(role=Bilingual("收回人", "Taken back by")),
            Signature(role=Bilingual("安保签收", "Security informed")),
        ),
    )  # fmt: skip


def _line(one: TemporaryPass) -> f29.Line:
    return f29.Line(
        number=one.number,
        name=one.worker.name,
        trade=in_both(one.worker.trade.title),
        kind=in_both(one.kind.title),
        follows=one.follows.number if one.follows else "",
        valid_from=one.valid_from,
        valid_to=one.valid_to,
        issued_at=local(one, one.issued_at or one.created_at),
        issued_by=one.issued_by_name,
        received_by=one.received_by,
        state=in_both(one.state.title),
        reason=one.end_reason,
        returned_at=local(one, one.returned_at),
        condition=one.condition,
        security_told_at=local(one, one.security_told_at),
    )


def record(worker: RenovationWorker, header: Header) -> f32.Context:
    """F32 施工人员管理记录 of one worker."""
    renovation = worker.renovation
    return f32.Context(
        header=of_unit(renovation, header),
        renovation_no=renovation.number,
        company=renovation.company,
        name=worker.name,
        id_no=worker.masked_id,
        trade=in_both(worker.trade.title),
        certificate=worker.certificate_no,
        entered_on=worker.entered_on,
        left_on=worker.left_on,
        passes=tuple(
            f32.Pass(
                number=one.number, valid_from=one.valid_from, valid_to=one.valid_to, state=in_both(one.state.title)
            )
            for one in worker.passes
        ),
        lines=tuple(
            f32.Line(
                at=local(worker, line.at), kind=in_both(line.what.title), note=line.note,
                action=line.action, by=line.by_name,
            )
            for line in worker.conduct
        ),
        signatures=(
            Signature(role=Bilingual("施工人员", "Worker")),
            Signature(role=Bilingual("现场管理员", "Site administrator")),
        ),
    )  # fmt: skip


WITH_PASSES = (RenovationState.PASSES, RenovationState.UNDER_WAY, RenovationState.SUSPENDED)
"""States of a renovation in which cards of its passes are printed."""

KINDS = (
    kind_of(FOLDER / "workers", Renovation, workers, resource="RenovationWorker"),
    kind_of(
        FOLDER / "temporary_passes", Renovation, cards, code="F28S", title_zh="装修临时出入证（每页八张）",
        title_en="Temporary renovation passes, eight to a sheet", resource="TemporaryPass", states=WITH_PASSES,
    ),
    kind_of(
        FOLDER / "temporary_passes", TemporaryPass, card, number=lambda one: one.number, states=(PassState.VALID,),
        public_state=True,
    ),
    kind_of(FOLDER / "pass_register", Renovation, register, resource="TemporaryPass", states=WITH_PERMIT),
    kind_of(FOLDER / "worker_record", RenovationWorker, record),
)  # fmt: skip
