"""What each step of a move-in needs before the next one opens: sentences for what is missing, or nothing."""

from __future__ import annotations

from collections.abc import Iterator

from flask_babel import get_locale
from flask_babel import gettext as _

from app.core.access.actor import Actor
from app.core.papers.base.context import Bilingual
from app.core.records.base import session_of
from app.modules.estates.models import MeterKind
from app.modules.estates.queries import readings_since
from app.modules.fees.queries import bills_of
from app.modules.movein.models import InspectionRound, MoveInCase
from app.modules.movein.states import Capacity, CheckResult, DefectState, ItemResult, Severity
from app.modules.people.queries import has_consent, holds

OWNER_SIGNS = ("F02", "F03", "F06", "F07")
"""Papers the owner signs before documents are handed out: covenant and renovation agreement (MI-07), fee payment
agreement and fire-safety undertaking."""

BASE_READINGS = (MeterKind.WATER, MeterKind.ELECTRICITY)
"""Meters whose base value is read at the inspection (MI-10); gas and heat are optional."""


def said(text: Bilingual) -> str:
    """A code-list title in the language of the reader."""
    return text.en if str(get_locale()) == "en" and text.en else text.zh


def papers_in_order(case: MoveInCase, actor: Actor) -> list[str]:
    """MI-05: every mandatory paper was checked and is in order."""
    missing = [c for c in case.checks if c.mandatory and c.result in (CheckResult.PENDING, CheckResult.MISSING)]
    return [
        _("“%(paper)s” is missing.", paper=said(c.title))
        if c.result == CheckResult.MISSING
        else _("“%(paper)s” has not been checked yet.", paper=said(c.title))
        for c in missing
    ]


def owner_registered(case: MoveInCase, actor: Actor) -> list[str]:
    """F10 is complete: identity, telephone, emergency contact, tenure in the unit, consent, agent's authority, signature."""
    return list(_registration_gaps(case))


def _registration_gaps(case: MoveInCase) -> Iterator[str]:
    owner, session = case.owner, session_of(case)
    if not (owner.id_no or owner.credit_code):
        yield _("The owner's ID number or credit code is not registered.")
    if not (owner.mobile or owner.phone):
        yield _("The owner's telephone number is not registered.")
    if not (owner.emergency_name and owner.emergency_phone):
        yield _("The emergency contact is not registered.")
    if not holds(session, unit_id=case.unit_id, person_id=owner.id):
        yield _("The owner is not entered as owner of the unit.")
    if not has_consent(session, owner.id):
        yield _("The privacy notice has not been acknowledged.")
    if case.capacity == Capacity.AGENT and not case.authorisation_no:
        yield _("The agent's authorisation is not registered.")
    if case.capacity == Capacity.AGENT and case.owner_overseas and not case.authorisation_notarised:
        yield _("The authorisation of an owner overseas has to be notarised.")
    signature = case.signature("F10")
    if not signature:
        yield _("The owner registration form is not signed.")
    elif owner.changed_at > signature.signed_at:
        yield _("The owner's data changed after the signature; please have the form signed again.")


def bill_issued(case: MoveInCase, actor: Actor) -> str | None:
    """MI-06: the move-in bill stands. Whether it is paid never holds up the owner (keys do not depend on prepaid fees)."""
    standing = [bill for bill in bills_of(session_of(case), case) if not bill.cancelled_at]
    return None if standing else _("No bill has been issued for this move-in.")


def agreements_signed(case: MoveInCase, actor: Actor) -> list[str]:
    """MI-07: the owner has signed."""
    return [_("%(paper)s is not signed.", paper=code) for code in OWNER_SIGNS if not case.signature(code)]


def papers_handed_out(case: MoveInCase, actor: Actor) -> list[str]:
    """MI-08: every document is handed out and the receipt signed."""
    gaps = [
        _("“%(paper)s” has not been handed out.", paper=said(h.title))
        for h in case.handouts
        if h.required and not h.issued_at
    ]
    return gaps if case.signature("F12") else [*gaps, _("The document receipt is not signed.")]


def inspection_finished(case: MoveInCase, actor: Actor) -> list[str]:
    """MI-10, MI-11: the round is complete: every item judged, every failure a defect with party and day, meters read."""
    current = case.round
    if current is None or current.conclusion is not None:
        return [_("No inspection round is open.")]
    return [*_item_gaps(case, current), *_reading_gaps(case)]


def _item_gaps(case: MoveInCase, current: InspectionRound) -> Iterator[str]:
    unjudged = sum(1 for item in current.items if item.result is None)
    if unjudged:
        yield _("%(count)s check items have no result yet.", count=unjudged)
    listed = {(d.item.trade, d.item.item, d.item.space) for d in case.defects if d.state != DefectState.VERIFIED}
    failed = [i for i in current.items if i.result == ItemResult.FAIL and (i.trade, i.item, i.space) not in listed]
    if failed:
        yield _("%(count)s failed items have no defect entry yet.", count=len(failed))


def _reading_gaps(case: MoveInCase) -> Iterator[str]:
    read = readings_since(session_of(case), unit_id=case.unit_id, since=case.created_at)
    for kind in BASE_READINGS:
        if kind not in read:
            yield _("The base reading of the %(meter)s is missing.", meter=str(kind.title).lower())


def sign_off_signed(case: MoveInCase, actor: Actor) -> str | None:
    """F11: the owner has signed for the outcome of this round."""
    signature, current = case.signature("F11"), case.round
    if not (signature and current and signature.signed_at >= current.created_at):
        return _("The inspection sign-off is not signed for this round.")
    signed_for = (current, *current.items, *case.defects)
    if max(part.changed_at for part in signed_for) > signature.signed_at:
        return _("The inspection changed after the sign-off was signed; please have it signed again.")
    return None


def nothing_to_rectify(case: MoveInCase, actor: Actor) -> str | None:
    """Plain acceptance leaves no defect behind."""
    left = [d for d in case.defects if d.state != DefectState.VERIFIED]
    return _("%(count)s defects are not re-inspected yet.", count=len(left)) if left else None


def some_defects_none_structural(case: MoveInCase, actor: Actor) -> str | None:
    """Acceptance with a defects list needs a list, and no structural danger on it."""
    left = [d for d in case.defects if d.state != DefectState.VERIFIED]
    if not left:
        return _("There is no defect to list; accept the unit without reservation.")
    if any(d.severity == Severity.STRUCTURAL for d in left):
        return _("A defect of structural safety is open; the unit cannot be accepted.")
    return None


def keys_listed_and_signed(case: MoveInCase, actor: Actor) -> list[str]:
    """F13: keys are listed and signed for, after the conclusion (MI-11)."""
    gaps = [] if case.keys else [_("No keys are listed.")]
    return gaps if case.signature("F13") else [*gaps, _("The key collection receipt is not signed.")]
