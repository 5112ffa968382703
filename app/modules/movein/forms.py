"""What the steps of a move-in ask for (forms A1, A4–A9). Inputs follow the columns they fill.

Several forms share a page, so each has a key that prefixes the names of its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import CombinedMultiDict
from wtforms import FileField, HiddenField, validators

from app.core.access.models import Account
from app.core.records.choices import in_language
from app.fab.fields import (
    ChoiceField,
    DayField,
    RecordForm,
    ReferenceField,
    SecretField,
    TextField,
    WholeField,
    YesNoField,
    field_for,
    form_class,
)
from app.fab.interface import RecordInterface
from app.modules.estates.models import ParkingBay, Unit
from app.modules.movein.models import EntrustedService, Handout, KeyHandover, MoveInCase, MoveInItem, PaperCheck
from app.modules.movein.states import CheckResult
from app.modules.people.models import ConsentScope, Person, Tenure, Vehicle

CASE, PERSON, TENURE, VEHICLE = (RecordInterface(model) for model in (MoveInCase, Person, Tenure, Vehicle))
HANDOUT, SERVICE, KEY = (RecordInterface(model) for model in (Handout, EntrustedService, KeyHandover))

NOTICE = ("handover_from", "handover_to", "handover_place")
RECEIVER = (
    "capacity", "agent_name", "agent_phone", "authorisation_no", "authorisation_notarised", "owner_overseas",
)  # fmt: skip
IDENTITY = ("kind", "name", "id_kind", "id_no", "credit_code", "mobile")
OWNER = (
    "kind", "name", "sex", "birth_date", "nationality", "id_kind", "id_no", "credit_code", "legal_representative",
    "mobile", "phone", "email", "address", "postcode", "emergency_name", "emergency_phone", "emergency_relation",
    "taxpayer_no", "bank_name", "bank_account", "language", "channel",
)  # fmt: skip
HOLDING = ("co_ownership", "title_proof", "title_proof_no", "unit_use", "moved_in_on")


def bound(kind: type[RecordForm], key: str, *, obj: Any = None, data: Mapping[str, Any] | None = None) -> RecordForm:
    """A form of the page: filled by the request when this form was sent, else from the record."""
    prefix = f"{key}-"
    sent = request.method == "POST" and any(name.startswith(prefix) for name in (*request.form, *request.files))
    posted: CombinedMultiDict[str, Any] | None = CombinedMultiDict([request.files, request.form]) if sent else None
    form = kind(posted, obj=obj, data=data, prefix=prefix)
    form.stored = lambda: kind(None, obj=obj, data=data, prefix=prefix)
    return form


def compare(form: RecordForm) -> None:
    """Say under every input that differs what is stored now, and take up the newest version (after a lost update)."""
    for mine, now in zip(form, form.stored(), strict=True):
        if isinstance(mine, HiddenField):
            mine.data = now.data
        elif not isinstance(mine, SecretField | FileField) and mine.data != now.data:
            mine.description = _("Stored now: %(value)s", value=_shown(now) or "–")


def _shown(field: Any) -> str:
    if isinstance(field, ChoiceField):
        return next((str(title) for _value, title, chosen, _more in field.iter_choices() if chosen), "")
    if isinstance(field, YesNoField):
        return _("Yes") if field.data else _("No")
    return str(field._value())


def _made(name: str, fields: Mapping[str, Any]) -> type[RecordForm]:
    return type(name, (RecordForm,), dict(fields))


def required(label: Any, **options: Any) -> TextField:
    """A line of text that must be filled in."""
    return TextField(label, validators=[validators.InputRequired(_l("Fill this in."))], **options)


@cache
def notice() -> type[RecordForm]:
    return form_class(CASE, NOTICE)


@cache
def receiver() -> type[RecordForm]:
    return form_class(CASE, RECEIVER)


class ChooseUnit(RecordForm):
    """First question of a new move-in."""

    unit = ReferenceField(
        _l("Unit"), target=Unit, lookup="/lookup/unit", validators=[validators.InputRequired(_l("Choose a unit."))]
    )


NEW_PERSON = "new"


def opening(owners: Iterable[Person]) -> type[RecordForm]:
    """Who takes over the unit — one of its owners, or a person entered now — and what the move-in notice says (F16)."""
    choices = [(str(person.id), f"{person.name} {person.masked_mobile}".strip()) for person in owners]
    fields = {"owner": ChoiceField(
        _l("Owner"), values=lambda: [*choices, (NEW_PERSON, _("Somebody not in the list"))],
        validators=[validators.InputRequired(_l("Choose the owner."))],
    )}  # fmt: skip
    person = {f"new_{name}": _optional(PERSON, name) for name in IDENTITY}
    return _made(
        "OpeningForm",
        {**fields, "known": known_person(), **person, **{name: field_for(CASE.attribute(name)) for name in NOTICE}},
    )


def known_person() -> ReferenceField:
    """Somebody who is registered already, instead of a new person."""
    return ReferenceField(
        _l("Person registered already"),
        target=Person,
        lookup="/lookup/person",
        description=_l("Leave this empty for a new person."),
    )


def _optional(interface: RecordInterface, name: str) -> Any:
    """The input of a column that has to be filled only under a condition, which the service checks."""
    field = field_for(interface.attribute(name))
    field.kwargs["validators"] = []
    return field


def checks(listed: Iterable[PaperCheck]) -> type[RecordForm]:
    """Result and note of every paper on the check list (MI-05)."""
    fields: dict[str, Any] = {}
    for check in listed:
        offered = [r for r in CheckResult if r != CheckResult.NOT_NEEDED or not check.mandatory]
        title = in_language(check.title_zh, check.title_en)
        fields[f"result_{check.id}"] = ChoiceField(
            title, values=_titled(offered), empty=CheckResult.PENDING, default=check.result
        )
        fields[f"note_{check.id}"] = TextField(_("Note on “%(paper)s”", paper=title), length=200, default=check.note)
    return _made("ChecksForm", fields)


def _titled(members: Iterable[Any]) -> Callable[[], list[tuple[Any, Any]]]:
    return lambda: [(member, member.title) for member in members]


@cache
def owner() -> type[RecordForm]:
    """The person part of the owner registration (forms A1); personal data stays when nothing is typed."""
    return form_class(PERSON, ("record_version", *OWNER), given={"record_version": HiddenField()})


@cache
def holding() -> type[RecordForm]:
    """Share, form of co-ownership, title proof and use of one owner."""
    share = TextField(
        _l("Share"), length=20, description=_l("A fraction such as 1/2, or per cent; empty under joint ownership.")
    )
    return form_class(TENURE, ("share", *HOLDING), given={"share": share})


@cache
def co_owner() -> type[RecordForm]:
    share = TextField(
        _l("Share"), length=20, description=_l("A fraction such as 1/2, or per cent; empty under joint ownership.")
    )
    return _made("CoOwnerForm", {
        "known": known_person(), **{name: _optional(PERSON, name) for name in IDENTITY},
        "share": share, "co_ownership": field_for(TENURE.attribute("co_ownership")),
    })  # fmt: skip


@cache
def member() -> type[RecordForm]:
    """A household member (forms A1); under 14 the owner consents as guardian (PIPL art. 31)."""
    return _made("MemberForm", {
        "known": known_person(),
        **{name: _optional(PERSON, name) for name in ("name", "sex", "birth_date", "id_kind", "id_no", "mobile")},
        "relation": field_for(TENURE.attribute("relation")),
        "guardian_consents": YesNoField(_l("The owner consents as guardian (needed under 14)")),
    })  # fmt: skip


@cache
def vehicle() -> type[RecordForm]:
    bay = ReferenceField(_l("Parking bay"), target=ParkingBay, lookup="/lookup/parking_bay")
    return form_class(VEHICLE, ("plate", "make", "colour", "bay_id"), given={"bay_id": bay})


def consents(scopes: Iterable[tuple[ConsentScope, Any, bool]]) -> type[RecordForm]:
    """A tick for each scope of the privacy notice: (scope, its sentence, whether it is given already)."""
    return _made("ConsentForm", {str(scope): YesNoField(said, default=given) for scope, said, given in scopes})


class SignForm(RecordForm):
    """A signature: drawn on the screen or the scan of the signed paper (MI-07)."""

    signer = required(_l("Signed by"), length=100)
    drawing = HiddenField(_l("Signature on the screen"))
    scan = FileField(_l("Scan of the signed paper"))


class RevokeForm(RecordForm):
    signature = HiddenField()
    reason = required(_l("Reason"), length=200)


def handouts(listed: Iterable[Handout]) -> type[RecordForm]:
    """Which documents were handed out, how many copies and pages, and when signed ones came back (forms A4)."""
    fields: dict[str, Any] = {}
    for row in listed:
        title = in_language(row.title_zh, row.title_en)
        fields |= {
            f"issued_{row.id}": YesNoField(title, default=row.issued_at is not None),
            f"copies_{row.id}": WholeField(_("Copies of “%(paper)s”", paper=title), default=row.copies),
            f"pages_{row.id}": WholeField(_("Pages of “%(paper)s”", paper=title), default=row.pages),
            f"returned_{row.id}": DayField(_("“%(paper)s” returned on", paper=title), default=row.returned_on),
        }
    return _made("HandoutsForm", fields)


def service(offered: Iterable[MoveInItem], people: Iterable[Account]) -> type[RecordForm]:
    """A service the owner entrusts, and who does the work (forms A7, MI-09)."""
    listed = [(item.code, in_language(item.title_zh, item.title_en)) for item in offered]
    staff = [(account.id, account.display_name) for account in people]
    plain = ("details", "rate", "fee", "materials", "appointment_at")
    return _made("ServiceForm", {
        "code": ChoiceField(_l("Service"), values=lambda: listed, validators=[validators.InputRequired(_l("Choose a service."))]),
        "assignee_id": ChoiceField(
            _l("Assigned to"), values=lambda: staff, validators=[validators.InputRequired(_l("Choose who does the work."))]
        ),
        **{name: _optional(SERVICE, name) for name in plain},
    })  # fmt: skip


def key(offered: Iterable[MoveInItem]) -> type[RecordForm]:
    """Keys or cards of one kind (forms A5, A6)."""
    listed = [(item.code, in_language(item.title_zh, item.title_en)) for item in offered]
    plain = ("label", "quantity", "deposit", "in_custody", "custody_reason", "custody_until", "note")
    return _made("KeyForm", {
        "kind": ChoiceField(_l("Kind"), values=lambda: listed, validators=[validators.InputRequired(_l("Choose the kind of key."))]),
        **{name: field_for(KEY.attribute(name)) for name in plain},
    })  # fmt: skip
