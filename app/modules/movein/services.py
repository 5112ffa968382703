"""Every write of the move-in case outside the inspection (see ``inspection.py``) and the workflow's effects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor, current_actor
from app.core.access.models import Account, Membership
from app.core.files.services import attach, attach_signature
from app.core.records.amounts import money
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue, phone
from app.core.records.numbering import next_number
from app.modules.estates.models import DeliveryType, Unit
from app.modules.movein.inspection import items_of
from app.modules.movein.models import (
    CaseSignature,
    EntrustedService,
    Handout,
    KeyHandover,
    MoveInCase,
    MoveInItem,
    PaperCheck,
    StandingTextVersion,
)
from app.modules.movein.standing import StandingText, from_edit
from app.modules.movein.states import Capacity, CaseState, CheckResult, PaperGroup, ServiceState, SigningMethod
from app.modules.movein.work import follow_service
from app.modules.movein.workflow import MOVE_IN
from app.modules.people.models import Person, PersonKind
from app.modules.people.queries import owners_of

PAPER_STEPS = {
    "F10": (CaseState.REGISTRATION,),
    "F02": (CaseState.SIGNING,),
    "F03": (CaseState.SIGNING,),
    "F06": (CaseState.SIGNING,),
    "F07": (CaseState.SIGNING,),
    "F12": (CaseState.HANDOUT,),
    "F14": (CaseState.REGISTRATION, CaseState.FEES, CaseState.SIGNING, CaseState.HANDOUT, CaseState.INSPECTION, CaseState.KEYS),
    "F01": (CaseState.INSPECTION,),
    "F11": (CaseState.INSPECTION,),
    "F13": (CaseState.KEYS,),
}  # fmt: skip
"""Papers that are signed, and the steps in which they may be."""


def open_case(session: Session, *, unit: Unit, owner: Person, actor: Actor, **notice: Any) -> MoveInCase:
    """Open the move-in of ``owner`` into ``unit`` with its check list and hand-out list.

    ``notice``: handover_from, handover_to, handover_place as the developer's move-in notice (F16) says.

    Raises:
        InvalidValue: the unit has an open move-in already, or the handover period ends before it begins.
    """
    actor.require("create", "MoveInCase")
    if open_case_of(session, unit.id):
        raise InvalidValue(_("A move-in of unit %(unit)s is open already.", unit=unit.code))
    today = estate_today(session, unit.estate_id)
    case = MoveInCase(
        estate_id=unit.estate_id, number=next_number(session, unit.estate_id, "MI", today.year), unit=unit, owner=owner
    )
    session.add(case)
    update_notice(case, **notice)
    session.flush()
    _bring_checks(session, case)
    _bring_handouts(session, case)
    session.flush()
    MOVE_IN.follow(session, case)
    return case


def open_case_of(session: Session, unit_id: int) -> MoveInCase | None:
    """The unit's move-in that is neither completed nor withdrawn."""
    closed = (CaseState.COMPLETED, CaseState.WITHDRAWN)
    return session.scalar(select(MoveInCase).where(MoveInCase.unit_id == unit_id, MoveInCase.state.not_in(closed)))


def update_notice(
    case: MoveInCase, *, handover_from: date | None = None, handover_to: date | None = None, handover_place: str = ""
) -> None:
    """Handover period and place of the move-in notice (F16)."""
    if handover_from and handover_to and handover_to < handover_from:
        raise InvalidValue(_("The handover period ends before it begins."))
    case.handover_from, case.handover_to, case.handover_place = handover_from, handover_to, handover_place.strip()


def set_receiver(
    session: Session,
    case: MoveInCase,
    *,
    capacity: Capacity,
    agent_name: str = "",
    agent_phone: str | None = None,
    authorisation_no: str = "",
    authorisation_notarised: bool = False,
    owner_overseas: bool = False,
    actor: Actor,
) -> None:
    """Say who comes to the counter; papers that only agents or overseas owners need appear on the check list.

    The stored telephone of the same agent stays when none is given: the form shows it masked.
    """
    actor.require("update", "MoveInCase")
    require_step(case, CaseState.DOCUMENTS, CaseState.REGISTRATION)
    if capacity == Capacity.AGENT and not agent_name.strip():
        raise InvalidValue(_("Enter the agent's name."))
    agent = capacity == Capacity.AGENT
    name = agent_name.strip() if agent else ""
    if agent and agent_phone and agent_phone.strip():
        case.agent_phone = phone(agent_phone)
    elif name != case.agent_name:
        case.agent_phone = None
    case.capacity, case.agent_name = capacity, name
    case.authorisation_no = authorisation_no.strip() if agent else ""
    case.authorisation_notarised = authorisation_notarised and agent
    case.owner_overseas = owner_overseas
    _bring_checks(session, case)
    session.flush()


def require_step(case: MoveInCase, *steps: CaseState) -> None:
    """Raise InvalidValue unless the case stands at one of ``steps``."""
    if case.state not in steps:
        raise InvalidValue(_("This is not possible while the case is at “%(state)s”.", state=case.state.title))


def _bring_checks(session: Session, case: MoveInCase) -> None:
    """Add papers that have become needed; those no longer needed stay with the result “not needed”."""
    reasons = _reasons(session, case)
    known = {check.code: check for check in case.checks}
    for entry in items_of(session, "required_papers"):
        needed = entry.data["when"] in reasons
        check = known.get(entry.code)
        if check is None and needed:
            case.checks.append(
                PaperCheck(
                    estate_id=case.estate_id, code=entry.code, seq=entry.seq, kind=_group(entry),
                    title_zh=entry.title_zh, title_en=entry.title_en, mandatory=entry.data["mandatory"],
                )
            )  # fmt: skip
        elif check and not needed and check.result != CheckResult.NOT_NEEDED:
            check.result, check.mandatory, check.checked_at = CheckResult.NOT_NEEDED, False, now()
        elif (
            check
            and needed
            and check.result == CheckResult.NOT_NEEDED
            and not check.mandatory
            and entry.data["mandatory"]
        ):
            check.result, check.mandatory, check.checked_at = CheckResult.PENDING, True, None


def _reasons(session: Session, case: MoveInCase) -> set[str]:
    reasons = {"always"}
    if case.capacity == Capacity.AGENT:
        reasons.add("agent")
        if case.owner_overseas:
            reasons.add("overseas")
    if case.owner.kind == PersonKind.ORGANISATION:
        reasons.add("organisation")
    if len(owners_of(session, case.unit_id)) > 1:
        reasons.add("co_owners")
    return reasons


def _group(entry: MoveInItem) -> PaperGroup:
    return {"movein_notice": PaperGroup.NOTICE, "procedure_slip": PaperGroup.SLIP}.get(entry.code, PaperGroup.SALES)


def _bring_handouts(session: Session, case: MoveInCase) -> None:
    delivery = (case.unit.delivery_type or DeliveryType.SHELL).value
    for entry in items_of(session, "handout_documents"):
        if delivery in entry.data["delivery"]:
            case.handouts.append(
                Handout(
                    estate_id=case.estate_id, code=entry.data["form_no"] or entry.code, seq=entry.seq,
                    title_zh=entry.title_zh, title_en=entry.title_en, copies=entry.data["copies"],
                    must_return=entry.data["return"], language=entry.data["language"], required=bool(entry.data["form_no"]),
                )
            )  # fmt: skip


def check_paper(session: Session, check: PaperCheck, *, result: CheckResult, note: str = "", actor: Actor) -> None:
    """Record what the check of one paper found (MI-05). Originals are handed back, nothing but the result is kept."""
    actor.require("check_documents", "MoveInCase")
    require_step(check.case, CaseState.DOCUMENTS)
    if result == CheckResult.NOT_NEEDED and check.mandatory:
        raise InvalidValue(_("This paper is mandatory; it cannot be marked as not needed."))
    check.result, check.note = result, note.strip()
    pending = result == CheckResult.PENDING
    check.checked_at, check.checked_by_name = (None, "") if pending else (now(), actor.name)
    session.flush()


def sign(
    session: Session,
    case: MoveInCase,
    *,
    paper: str,
    signer: str,
    role: str = "owner",
    drawing: str = "",
    scan: FileStorage | None = None,
    actor: Actor,
) -> CaseSignature:
    """Keep a signature: drawn on the screen (PNG data URL) or the scan of the signed paper. A new one replaces the old.

    Raises:
        InvalidValue: the paper is not signed at this step, no name, or neither a drawing nor a scan.
    """  # fmt: skip
    actor.require(
        "inspect" if paper in ("F01", "F11") and not actor.may("sign", "MoveInCase") else "sign", "MoveInCase"
    )
    if paper not in PAPER_STEPS:
        raise InvalidValue(_("This paper is not signed."))
    require_step(case, *PAPER_STEPS[paper])
    if not signer.strip():
        raise InvalidValue(_("Enter who signs."))
    if scan and scan.filename:
        method = SigningMethod.SCAN
        attachment = attach(session, case, scan, kind=f"signed-{paper}", actor=actor)
    else:
        method = SigningMethod.ON_SCREEN
        attachment = attach_signature(session, case, drawing, role=role, name=signer, actor=actor)
    attachment.note = paper
    earlier = case.signature(paper, role)
    if earlier:
        _revoke(earlier, _("Replaced by a new signature."))
    text = text_in_force(session, paper)
    signature = CaseSignature(
        estate_id=case.estate_id, case=case, paper=paper, role=role, signer=signer.strip(), method=method,
        attachment=attachment, text_version=text.number if text else None, signed_at=now(),
    )  # fmt: skip
    session.add(signature)
    _mark_returned(case, paper, estate_today(session, case.estate_id))
    session.flush()
    return signature


def _mark_returned(case: MoveInCase, paper: str, today: date) -> None:
    for handout in case.handouts:
        if handout.code == paper and handout.must_return and handout.issued_at:
            handout.returned_on = today


def revoke_signature(session: Session, signature: CaseSignature, *, reason: str, actor: Actor) -> None:
    """Declare a signature wrong; it stays in the file with the reason."""
    actor.require("sign", "MoveInCase")
    require_step(signature.case, *PAPER_STEPS[signature.paper])
    if not reason.strip():
        raise InvalidValue(_("Say why the signature is revoked."))
    _revoke(signature, reason.strip())
    session.flush()


def _revoke(signature: CaseSignature, reason: str) -> None:
    signature.revoked_at, signature.revoked_reason = now(), reason


def hand_out(session: Session, case: MoveInCase, *, codes: Iterable[str], actor: Actor) -> None:
    """Mark documents as handed to the owner (MI-08). What was signed before counts as returned."""
    actor.require("hand_out", "MoveInCase")
    require_step(case, CaseState.HANDOUT)
    chosen = set(codes)
    today = estate_today(session, case.estate_id)
    for handout in case.handouts:
        if handout.code in chosen and not handout.issued_at:
            handout.issued_at, handout.issued_by_name = now(), actor.name
            if handout.must_return and case.signature(handout.code):
                handout.returned_on = today
        elif handout.code not in chosen and handout.issued_at and not case.signature("F12"):
            handout.issued_at, handout.issued_by_name, handout.returned_on = None, "", None
    session.flush()


def update_handout(
    session: Session,
    handout: Handout,
    *,
    copies: int,
    pages: int | None,
    returned_on: date | None,
    note: str,
    actor: Actor,
) -> None:
    """Correct copies and pages of a document, or note the day its signed copy came back."""
    actor.require("hand_out", "MoveInCase")
    if copies < 1:
        raise InvalidValue(_("At least one copy is handed out."))
    if returned_on and not handout.issued_at:
        raise InvalidValue(_("The document has not been handed out yet."))
    handout.copies, handout.pages, handout.returned_on, handout.note = copies, pages, returned_on, note.strip()
    session.flush()


def entrust(
    session: Session,
    case: MoveInCase,
    *,
    code: str,
    assignee_id: int,
    details: str = "",
    rate: str = "",
    fee: Decimal = Decimal(0),
    materials: str = "",
    appointment_at: datetime | None = None,
    actor: Actor,
) -> EntrustedService:
    """Register a service the owner entrusts to the centre and give the work to somebody (MI-09).

    Raises:
        InvalidValue: an unknown service, nobody to do it, or a fee on a free or on-behalf service (art. 44).
    """  # fmt: skip
    actor.require("entrust", "MoveInCase")
    if not case.is_open:
        raise InvalidValue(_("The move-in is closed."))
    entry = next((e for e in items_of(session, "entrusted_services") if e.code == code), None)
    if entry is None:
        raise InvalidValue(_("Choose a service."))
    assignee = colleague(session, case.estate_id, assignee_id)
    paid = entry.data["charge"] == "paid"
    on_behalf = entry.data["handling_fee"] == "forbidden"
    if fee and (on_behalf or not paid):
        raise InvalidValue(
            _("No handling fee may be charged for this service (Regulations on Property Management art. 44).")
            if on_behalf
            else _("This service is free of charge.")
        )
    service = EntrustedService(
        estate_id=case.estate_id, case=case, unit_id=case.unit_id, code=code, title_zh=entry.title_zh, title_en=entry.title_en,
        paid=paid, on_behalf=on_behalf, rate=rate.strip(), details=details.strip(), materials=materials.strip(),
        appointment_at=appointment_at, assignee_id=assignee.id, assignee_name=assignee.display_name,
        accepted_by_name=actor.name, fee=money(fee),
    )  # fmt: skip
    session.add(service)
    session.flush()
    follow_service(session, service)
    return service


def colleagues(session: Session, estate_id: int) -> list[Account]:
    """Active accounts that serve the estate, by name."""
    found = session.scalars(
        select(Account)
        .join(Membership)
        .where(Membership.estate_id == estate_id, Account.active)
        .order_by(Account.last_name, Account.first_name)
    )
    return list(found)


def colleague(session: Session, estate_id: int, account_id: int) -> Account:
    """One of :func:`colleagues`. Raises InvalidValue for anybody else."""
    for account in colleagues(session, estate_id):
        if account.id == account_id:
            return account
    raise InvalidValue(_("Choose who does the work."))


def finish_service(
    session: Session,
    service: EntrustedService,
    *,
    result: str,
    fee: Decimal = Decimal(0),
    receipt_no: str = "",
    satisfaction: int | None = None,
    actor: Actor,
) -> None:
    """The work is done: result, fee, receipt, satisfaction from 1 to 5."""  # fmt: skip
    _require_service(service, actor)
    if not result.strip():
        raise InvalidValue(_("Say how the service was carried out."))
    if satisfaction is not None and not 1 <= satisfaction <= 5:
        raise InvalidValue(_("Satisfaction is given from 1 to 5."))
    if fee and (service.on_behalf or not service.paid):
        raise InvalidValue(
            _("No handling fee may be charged for this service (Regulations on Property Management art. 44).")
        )
    service.state, service.done_at, service.result = ServiceState.DONE, now(), result.strip()
    service.fee, service.receipt_no, service.satisfaction = money(fee), receipt_no.strip(), satisfaction
    session.flush()
    follow_service(session, service)


def cancel_service(session: Session, service: EntrustedService, *, reason: str, actor: Actor) -> None:
    """The owner no longer wants the service."""
    _require_service(service, actor)
    if not reason.strip():
        raise InvalidValue(_("Say why the service is cancelled."))
    service.state, service.result = ServiceState.CANCELLED, reason.strip()
    session.flush()
    follow_service(session, service)


def _require_service(service: EntrustedService, actor: Actor) -> None:
    actor.require("update", "EntrustedService")
    if service.state != ServiceState.OPEN:
        raise InvalidValue(_("This service is closed already."))


def list_key(
    session: Session,
    case: MoveInCase,
    *,
    kind: str,
    quantity: int,
    label: str = "",
    deposit: Decimal | None = None,
    in_custody: bool = False,
    custody_reason: str = "",
    custody_until: date | None = None,
    note: str = "",
    actor: Actor,
) -> KeyHandover:
    """List keys or cards to be handed over or left in custody; possible only after the conclusion (MI-11)."""  # fmt: skip
    actor.require("hand_over_keys", "MoveInCase")
    require_step(case, CaseState.KEYS)
    entry = next((e for e in items_of(session, "key_kinds") if e.code == kind), None)
    if entry is None:
        raise InvalidValue(_("Choose the kind of key."))
    if quantity < 1:
        raise InvalidValue(_("The quantity must be at least 1."))
    if in_custody and not custody_reason.strip():
        raise InvalidValue(_("Say why the keys stay in custody."))
    key = KeyHandover(
        estate_id=case.estate_id, case=case, kind=kind, title_zh=entry.title_zh, title_en=entry.title_en, label=label.strip(),
        quantity=quantity, deposit=money(deposit) if deposit else None, in_custody=in_custody,
        custody_reason=custody_reason.strip() if in_custody else "", custody_until=custody_until if in_custody else None,
        note=note.strip(),
    )  # fmt: skip
    session.add(key)
    session.flush()
    return key


def list_usual_keys(session: Session, case: MoveInCase, *, actor: Actor) -> int:
    """List the usual number of every kind of key; returns how many lines were added."""
    present = {key.kind for key in case.keys}
    added = 0
    for entry in items_of(session, "key_kinds"):
        if entry.code not in present:
            deposit = Decimal(entry.data["deposit"]) * entry.data["quantity"]
            list_key(
                session, case, kind=entry.code, quantity=entry.data["quantity"], deposit=deposit or None, actor=actor
            )
            added += 1
    return added


def remove_key(session: Session, key: KeyHandover, *, actor: Actor) -> None:
    """Take a line off the list before the keys are handed over."""
    actor.require("hand_over_keys", "MoveInCase")
    require_step(key.case, CaseState.KEYS)
    if key.case.signature("F13"):
        raise InvalidValue(_("The list is signed; revoke the signature before changing it."))
    case = key.case
    case.keys.remove(key)
    session.delete(key)
    session.flush()


def text_in_force(session: Session, code: str) -> StandingTextVersion | None:
    """The published standing text of the acting person's estate with the highest number; nothing for other papers."""
    mine = (StandingTextVersion.code == code, StandingTextVersion.estate_id == current_actor().estate_id)
    return session.scalar(
        select(StandingTextVersion)
        .where(*mine, StandingTextVersion.published_at.is_not(None))
        .order_by(StandingTextVersion.number.desc())
        .limit(1)
    )


def content_of(version: StandingTextVersion) -> StandingText:
    """The text of a version."""
    return from_edit(version.content)


def save_text(
    session: Session, *, code: str, content: dict[str, Any], publish: bool, actor: Actor
) -> StandingTextVersion:
    """Store an edited standing text as a new version; what was signed or issued keeps its own version.

    Raises:
        InvalidValue: a text or translation is missing, an unknown placeholder, too long.
    """
    actor.require("update", "StandingText")
    try:
        text = from_edit(content)
    except ValueError as error:
        raise InvalidValue(str(error)) from error
    mine = (StandingTextVersion.code == code, StandingTextVersion.estate_id == actor.estate_id)
    last = session.scalar(select(func.max(StandingTextVersion.number)).where(*mine)) or 0
    version = StandingTextVersion(
        estate_id=actor.estate_id, code=code, number=last + 1, title_zh=text.title.zh, title_en=text.title.en,
        content=asdict(text), published_at=now() if publish else None,
    )  # fmt: skip
    session.add(version)
    session.flush()
    return version
