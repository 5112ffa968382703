"""The panels of the case page: one for each step and one for entrusted services, with their forms and values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.core.access.actor import Actor, NotAllowed
from app.core.papers.kind import PaperKind
from app.core.records.choices import in_language
from app.core.records.clock import estate_today
from app.core.records.estate import Estate
from app.core.registry import registry
from app.extensions import db
from app.fab.fields import RecordForm
from app.modules.estates.queries import meters_of, readings_since
from app.modules.fees.queries import bills_of, papers_of_bill
from app.modules.movein import forms
from app.modules.movein.gates import OWNER_SIGNS
from app.modules.movein.inspection import items_of
from app.modules.movein.models import InspectionItem, MoveInCase
from app.modules.movein.paper_contexts import estate_values
from app.modules.movein.queries import PAPERS_AT
from app.modules.movein.registration import consents_of
from app.modules.movein.services import PAPER_STEPS, colleagues, text_in_force
from app.modules.movein.standing import StandingText, fill, from_edit
from app.modules.movein.states import STEPS, CaseState, DefectState
from app.modules.people.models import ConsentScope, PrivacyNotice, TenureRole, Vehicle
from app.modules.people.queries import current_notice, has_consent, household_of

Make = Callable[[], RecordForm]


@dataclass(frozen=True)
class Panel:
    """A part of the page. ``verb``: who may fill it in; ``steps``: while the case stands there.

    ``forms(case, actor)`` gives the makers of its forms by key, ``values(case, actor)`` what its template shows besides.
    """

    title: Any
    template: str
    verb: str
    steps: tuple[CaseState, ...]
    forms: Callable[[MoveInCase, Actor], dict[str, Make]]
    values: Callable[[MoveInCase, Actor], dict[str, Any]]

    def editable(self, case: MoveInCase, actor: Actor) -> bool:
        return case.state in self.steps and actor.may(self.verb, "MoveInCase")


def panel_of(case: MoveInCase) -> str:
    """The panel that opens by itself: that of the step the case stands at."""
    if case.state == CaseState.REFUSED:
        return CaseState.INSPECTION
    return (
        str(case.state)
        if case.state in STEPS
        else CaseState.KEYS
        if case.state == CaseState.COMPLETED
        else CaseState.DOCUMENTS
    )


def panel_with(paper: str) -> str:
    """The panel in which a paper is signed."""
    if paper == "F14":
        return "services"
    return str(PAPER_STEPS[paper][0])


def form_of(panel: str, key: str, case: MoveInCase, actor: Actor) -> RecordForm:
    """A form of a panel as it was sent. Raises NotAllowed for one that the panel does not have."""
    made = PANELS[panel].forms(case, actor)
    if key not in made:
        raise NotAllowed(key)
    return made[key]()


def values_of(panel: str, case: MoveInCase, actor: Actor, given: Mapping[str, RecordForm]) -> dict[str, Any]:
    """What the template of a panel shows; ``given`` are forms that came back with something to correct."""
    found = PANELS[panel]
    editable = found.editable(case, actor)
    made = (
        {key: given.get(key) or make() for key, make in found.forms(case, actor).items()} if editable or given else {}
    )
    return {"editable": editable, "forms": made, **found.values(case, actor)}


def kinds_at(panel: str) -> list[PaperKind]:
    """The papers needed at a step."""
    return [registry().papers[code] for code in PAPERS_AT.get(panel, ())]


def _signing(case: MoveInCase, *papers: str) -> dict[str, Make]:
    """Sign and revoke forms of papers; the signer is filled in already."""
    first = {"signer": case.receiver}
    made: dict[str, Make] = {}
    for paper in papers:
        made[f"sign_{paper}"] = lambda key=f"sign_{paper}": forms.bound(forms.SignForm, key, data=first)  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
        made[f"revoke_{paper}"] = lambda key=f"revoke_{paper}": forms.bound(forms.RevokeForm, key)  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
    return made


def _nothing(case: MoveInCase, actor: Actor) -> dict[str, Any]:
    return {}


# Documents


def _documents_forms(case: MoveInCase, actor: Actor) -> dict[str, Make]:
    return {
        "notice": lambda: forms.bound(forms.notice(), "notice", obj=case),
        "receiver": lambda: forms.bound(forms.receiver(), "receiver", obj=case),
        "checks": lambda: forms.bound(forms.checks(case.checks), "checks"),
    }


# Registration


def _registration_forms(case: MoveInCase, actor: Actor) -> dict[str, Make]:
    version = {"record_version": case.owner.version}
    made: dict[str, Make] = {
        "receiver": lambda: forms.bound(forms.receiver(), "receiver", obj=case),
        "owner": lambda: forms.bound(forms.owner(), "owner", obj=case.owner, data=version),
        "co_owner": lambda: forms.bound(forms.co_owner(), "co_owner"),
        "member": lambda: forms.bound(forms.member(), "member"),
        "vehicle": lambda: forms.bound(forms.vehicle(), "vehicle"),
        "consent": lambda: forms.bound(forms.consents(_scopes(case)), "consent"),
        **_signing(case, "F10"),
    }
    for tenure in _owners(case):
        made[f"holding_{tenure.id}"] = lambda t=tenure: forms.bound(  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
            forms.holding(), f"holding_{t.id}", obj=t, data={"share": t.share}
        )
    return made


def _owners(case: MoveInCase) -> list[Any]:
    return [t for t in household_of(db.session, case.unit_id) if t.role is TenureRole.OWNER]


def _scopes(case: MoveInCase) -> list[tuple[ConsentScope, str, bool]]:
    notice = current_notice(db.session, case.estate_id)
    given = consents_of(db.session, case.owner_id)
    asked = notice.text.get("consents", []) if notice else []
    return [(ConsentScope(c["code"]), in_language(c["zh"], c["en"]), ConsentScope(c["code"]) in given) for c in asked]


def _registration(case: MoveInCase, actor: Actor) -> dict[str, Any]:
    household, notice = household_of(db.session, case.unit_id), current_notice(db.session, case.estate_id)
    vehicles = (
        select(Vehicle).where(Vehicle.unit_id == case.unit_id).options(joinedload(Vehicle.bay)).order_by(Vehicle.id)
    )
    return {
        "owners": [t for t in household if t.role is TenureRole.OWNER],
        "members": [t for t in household if t.role is TenureRole.HOUSEHOLD_MEMBER],
        "vehicles": db.session.scalars(vehicles).all(),
        "notice": notice,
        "notice_text": _filled(notice, case) if notice else None,
        "consented": has_consent(db.session, case.owner_id),
        "groups": OWNER_GROUPS,
    }


def _filled(notice: PrivacyNotice, case: MoveInCase) -> StandingText:
    """The privacy notice as the owner reads it, with the estate's names and telephones."""
    estate, today = db.session.get_one(Estate, case.estate_id), estate_today(db.session, case.estate_id)
    return fill(from_edit(notice.text), estate_values(estate, today))


OWNER_GROUPS = (
    (
        _l("Identity"),
        ("kind", "name", "id_kind", "id_no", "sex", "birth_date", "nationality", "credit_code", "legal_representative"),
    ),
    (_l("How to reach the owner"), ("mobile", "phone", "email", "address", "postcode", "language", "channel")),
    (_l("Emergency contact"), ("emergency_name", "emergency_phone", "emergency_relation")),
    (_l("Invoices and refunds (optional)"), ("taxpayer_no", "bank_name", "bank_account")),
)


# Fees


def _fees(case: MoveInCase, actor: Actor) -> dict[str, Any]:
    if not actor.may("read", "Bill"):
        return {"bills": []}
    return {"bills": [(bill, papers_of_bill(db.session, bill)) for bill in bills_of(db.session, case)]}


# Signing


def _texts(case: MoveInCase, actor: Actor) -> dict[str, Any]:
    return {"texts": [(code, text_in_force(db.session, code)) for code in OWNER_SIGNS]}


# Inspection


def _inspection(case: MoveInCase, actor: Actor) -> dict[str, Any]:
    current = case.round
    results: Counter[Any] = Counter()
    if current:
        results.update(db.session.scalars(select(InspectionItem.result).where(InspectionItem.round_id == current.id)))
    readings = readings_since(db.session, unit_id=case.unit_id, since=case.created_at)
    return {
        "round": current,
        "results": results,
        "total": sum(results.values()),
        "open_defects": [d for d in case.defects if d.state != DefectState.VERIFIED],
        "meters": [(meter, readings.get(meter.kind)) for meter in meters_of(db.session, case.unit_id)],
    }


# Services and keys


def _services_forms(case: MoveInCase, actor: Actor) -> dict[str, Make]:
    def make() -> RecordForm:
        offered = items_of(db.session, "entrusted_services")
        return forms.bound(forms.service(offered, colleagues(db.session, case.estate_id)), "service")

    return {"service": make, **_signing(case, "F14")}


def _services(case: MoveInCase, actor: Actor) -> dict[str, Any]:
    return {"conditions": {item.code: item for item in items_of(db.session, "entrusted_services")}}


def _keys_forms(case: MoveInCase, actor: Actor) -> dict[str, Make]:
    return {
        "key": lambda: forms.bound(forms.key(items_of(db.session, "key_kinds")), "key"),
        **_signing(case, "F13"),
    }


PANELS: dict[str, Panel] = {
    CaseState.DOCUMENTS: Panel(
        CaseState.DOCUMENTS.title, "movein/_documents.html", "check_documents", (CaseState.DOCUMENTS,), _documents_forms, _nothing
    ),
    CaseState.REGISTRATION: Panel(
        CaseState.REGISTRATION.title, "movein/_registration.html", "register", (CaseState.REGISTRATION,),
        _registration_forms, _registration,
    ),
    CaseState.FEES: Panel(CaseState.FEES.title, "movein/_fees.html", "bill", (CaseState.FEES,), _nothing, _fees),
    CaseState.SIGNING: Panel(
        CaseState.SIGNING.title, "movein/_agreements.html", "sign", (CaseState.SIGNING,),
        lambda case, actor: _signing(case, *OWNER_SIGNS), _texts,
    ),
    CaseState.HANDOUT: Panel(
        CaseState.HANDOUT.title, "movein/_handout.html", "hand_out", (CaseState.HANDOUT,),
        lambda case, actor: {"handouts": lambda: forms.bound(forms.handouts(case.handouts), "handouts"), **_signing(case, "F12")},
        _nothing,
    ),
    CaseState.INSPECTION: Panel(
        CaseState.INSPECTION.title, "movein/_inspection.html", "inspect", (CaseState.INSPECTION,),
        lambda case, actor: _signing(case, "F11"), _inspection,
    ),
    CaseState.KEYS: Panel(
        CaseState.KEYS.title, "movein/_keys.html", "hand_over_keys", (CaseState.KEYS,), _keys_forms, _nothing
    ),
    "services": Panel(
        _l("Entrusted services"), "movein/_services.html", "entrust", PAPER_STEPS["F14"], _services_forms, _services
    ),
}  # fmt: skip
"""By step; entrusted services are taken on at every open step after the documents (MI-09)."""
