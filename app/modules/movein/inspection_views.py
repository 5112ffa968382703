"""The accompanied inspection on the phone of the inspector, and as a matrix on a wide screen (MI-10, MI-11; F01, F11)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from app.core.access.actor import NotAllowed, current_actor
from app.core.files.services import attach
from app.core.records.base import now
from app.core.records.choices import in_language
from app.core.records.identifiers import InvalidValue
from app.core.registry import Registry
from app.core.workflow.table import Offer
from app.extensions import db
from app.fab.fields import RecordForm, estate_zone
from app.fab.submit import Outcome, carry_out, spread
from app.fab.views import Page, expose, requires
from app.modules.estates.models import Meter, MeterReading, ReadingSource
from app.modules.estates.queries import meters_and_readings
from app.modules.estates.services import CONSTRAINTS, add_meter, correct_reading, record_reading
from app.modules.movein import inspection
from app.modules.movein.defect_views import DefectView
from app.modules.movein.gates import said
from app.modules.movein.inspection_forms import ReadingForm, defect_form, head_form, meter_form, start_form
from app.modules.movein.inspection_queries import (
    PHOTO,
    inspected_case,
    items_of_case,
    left_of,
    matrix_of,
    photos_of,
    spaces_of,
)
from app.modules.movein.item_views import MoveInItemView
from app.modules.movein.models import Defect, InspectionItem, InspectionRound, MoveInCase
from app.modules.movein.service_views import EntrustedServiceView
from app.modules.movein.services import sign
from app.modules.movein.states import CaseState, ItemResult, Severity
from app.modules.movein.text_views import StandingTextPage
from app.modules.movein.workflow import MOVE_IN

CONCLUSIONS = ("accept", "accept_with_defects", "refuse", "reinspect")
"""Transitions offered at the end of an inspection."""
TAPS_AT_ONCE = 100


class InspectionPage(Page):
    """One inspection round: spaces in walking order, defects, meters, the owner's signature, the conclusion.

    Every command works as a plain form. A tap on a result also comes from the page's script, several at a time when the
    network was away; then the answer is JSON.
    """

    resource = "MoveInCase"
    route_base = "/move-ins"
    default_view = "show"

    @expose("/<int:pk>/inspection")
    @requires("read")
    def show(self, pk: int) -> str:
        return self._page(inspected_case(db.session, pk))

    @expose("/<int:pk>/inspection/start", methods=["POST"])
    @requires("inspect")
    def start(self, pk: int) -> Any:
        """Open the first round; later ones are opened by the transition to the re-inspection."""
        case, form = inspected_case(db.session, pk), start_form()(request.form)
        return self._take(
            case, form, lambda: inspection.open_round(db.session, case, actor=current_actor(), **form.values()),
            done=_("The inspection has begun."), key="start",
        )  # fmt: skip

    @expose("/<int:pk>/inspection/head", methods=["POST"])
    @requires("inspect")
    def head(self, pk: int) -> Any:
        case, form = inspected_case(db.session, pk), head_form()(request.form)
        current = _round(case)
        return self._take(
            case, form, lambda: inspection.describe_round(db.session, current, actor=current_actor(), **form.values()),
            done=_("Saved."), key="head",
        )  # fmt: skip

    @expose("/<int:pk>/inspection/taps", methods=["POST"])
    @requires("inspect")
    def tap(self, pk: int) -> Any:
        """Results by item, each ``tap=<item>:<result>``; an empty result takes the judgement back."""
        taps = dict(_read_tap(text) for text in request.form.getlist("tap")[:TAPS_AT_ONCE])
        items = items_of_case(db.session, pk, taps)
        refused: dict[int, str] = {}

        def work() -> dict[int, str]:
            for item in items:
                try:
                    inspection.judge(db.session, item, result=taps[item.id], note=item.note, actor=current_actor())
                except InvalidValue as error:
                    refused[item.id] = str(error)
            return {item.id: item.result or "" for item in items}

        space, first = items[0].space, items[0].id
        outcome = carry_out(work, lambda _results: self._address(pk, space, f"item-{first}"))
        if request.accept_mimetypes.best == "application/json":
            return ({"results": outcome.result, "refused": refused}, 200) if outcome.done else ({}, 409)
        for sentence in dict.fromkeys([*refused.values(), *_sentences(outcome)]):
            flash(sentence, "danger")
        if not refused and taps[first] == ItemResult.FAIL:
            return redirect(url_for(".defect", pk=pk, number=first))
        return redirect(self._address(pk, space, f"item-{first}"))

    @expose("/<int:pk>/inspection/rest", methods=["POST"])
    @requires("inspect")
    def rest(self, pk: int) -> Any:
        """Everything in a space (or of a trade) that has no result yet is right."""
        case = inspected_case(db.session, pk)
        current, space, trade = _round(case), request.form.get("space", ""), request.form.get("trade", "")
        if not space and not trade:
            raise NotAllowed("the whole matrix at once")
        return self.command(
            lambda: inspection.pass_rest(db.session, current, space=space, trade=trade, actor=current_actor()),
            done=_("The rest is marked as passed."), then=self._address(pk, anchor="next"),
        )  # fmt: skip

    @expose("/<int:pk>/inspection/items/<int:number>", methods=["GET", "POST"])
    @requires("inspect")
    def defect(self, pk: int, number: int) -> Any:
        """The sheet of a failed item's defect, with photos."""
        (item,) = items_of_case(db.session, pk, [number])
        entered = inspection.defect_of(item)
        make = defect_form(inspection.items_of(db.session, "responsible_parties"))
        if request.method == "GET":
            first = (
                {} if entered else {"severity": Severity.MINOR, "party": "builder", "party_name": item.round.builder}
            )
            return self._sheet(item, entered, make(None, obj=entered, data=first))
        form = make(request.form)
        if not form.validate():
            return self._sheet(item, entered, form), 422

        def work() -> Defect:
            defect = inspection.report_defect(db.session, item, actor=current_actor(), **form.values())
            for photo in _uploads("photo"):
                attach(db.session, defect, photo, kind=PHOTO, actor=current_actor())
            return defect

        outcome = carry_out(work, lambda _defect: self._address(pk, item.space, f"item-{number}"))
        if outcome.done:
            flash(_("The defect is entered."), "success")
            return redirect(outcome.location)
        return self._sheet(item, entered, form, [*_stale(outcome), *spread(form, outcome)]), 422

    @expose("/<int:pk>/inspection/items/<int:number>/remove", methods=["POST"])
    @requires("inspect")
    def remove(self, pk: int, number: int) -> Any:
        """Take back a defect entered by mistake."""
        (item,) = items_of_case(db.session, pk, [number])
        defect = next((d for d in item.round.case.defects if d.item_id == number), None)
        if defect is None:
            raise NotAllowed(f"defect of item {number}")
        return self.command(
            lambda: inspection.remove_defect(db.session, defect, actor=current_actor()),
            done=_("The defect is taken back."), then=self._address(pk, item.space, f"item-{number}"),
        )  # fmt: skip

    @expose("/<int:pk>/inspection/meters", methods=["POST"])
    @requires("inspect")
    def meter(self, pk: int) -> Any:
        """Register a meter of the unit with its base reading."""
        case, form = inspected_case(db.session, pk), meter_form()(request.form)

        def work() -> None:
            _require_reading_time(case)
            values = form.values()
            value = values.pop("value")
            self._read(case, add_meter(db.session, unit=case.unit, actor=current_actor(), **values), None, value)

        return self._take(
            case, form, work, done=_("The meter and its reading are entered."), key="meter", anchor="meters"
        )

    @expose("/<int:pk>/inspection/meters/<int:number>", methods=["POST"])
    @requires("inspect")
    def reading(self, pk: int, number: int) -> Any:
        """Enter the base reading of a meter, or correct the one entered at this move-in."""
        case, form = inspected_case(db.session, pk), ReadingForm(request.form)
        found = next(((m, r) for m, r in meters_and_readings(db.session, case.unit_id) if m.id == number), None)
        if found is None:
            raise NotAllowed(f"meter {number}")

        def work() -> None:
            _require_reading_time(case)
            self._read(case, *found, form.values()["value"])

        return self._take(case, form, work, done=_("The reading is entered."), key=f"meter-{number}", anchor="meters")

    def _read(self, case: MoveInCase, meter: Meter, last: MeterReading | None, value: Any) -> None:
        photos = [
            attach(db.session, case, photo, kind="meter_photo", actor=current_actor()) for photo in _uploads("photo")
        ]
        photo_id = photos[-1].id if photos else None
        if last and _is_base(last, case):
            correct_reading(db.session, last, value=value, photo_id=photo_id, actor=current_actor())
        else:
            record_reading(
                db.session,
                meter,
                value=value,
                read_at=now(),
                source=ReadingSource.BASE,
                photo_id=photo_id,
                actor=current_actor(),
            )

    @expose("/<int:pk>/inspection/sign", methods=["POST"])
    @requires("read")
    def sign(self, pk: int) -> Any:
        """The owner signs the sign-off (F11) for this round."""
        case = inspected_case(db.session, pk)
        return self.command(
            lambda: sign(
                db.session, case, paper="F11", signer=request.form.get("signer", "")[:100], drawing=request.form.get("drawing", ""),
                scan=request.files.get("scan"), actor=current_actor(),
            ),
            done=_("The sign-off is signed."), then=self._address(pk, anchor="conclusion"),
        )  # fmt: skip

    @expose("/<int:pk>/inspection/conclude/<name>", methods=["POST"])
    @requires("read")
    def conclude(self, pk: int, name: str) -> Any:
        """The owner accepts, accepts with a list of defects, or refuses; or the re-inspection begins (MI-11)."""
        case = inspected_case(db.session, pk)
        if name not in CONCLUSIONS:
            raise NotAllowed(name)
        return self.command(
            lambda: MOVE_IN.fire(db.session, case, name, actor=current_actor(), inputs=request.form.to_dict()),
            done=_("Done."), then=self._address(pk, anchor="conclusion"),
        )  # fmt: skip

    # Drawing

    def _page(
        self, case: MoveInCase, *, key: str = "", form: RecordForm | None = None, general: Sequence[str] = ()
    ) -> str:
        """The page; ``form`` is the one refused, under the ``key`` of its place."""
        actor, current, today = current_actor(), case.round, now().astimezone(estate_zone()).date()
        lists = inspection.lists_of(db.session, "spaces", "layouts", "responsible_parties")
        rooms = inspection.rooms_of(case.unit.layout, lists["layouts"], {e.code: e.title for e in lists["spaces"]})
        spaces = spaces_of(current, rooms) if current else []
        running = current is not None and current.conclusion is None and case.state == CaseState.INSPECTION
        editable = running and actor.may("inspect", "MoveInCase")
        meters = [
            (
                meter,
                last,
                _is_base(last, case),
                form if key == f"meter-{meter.id}" else ReadingForm(None),
            )
            for meter, last in meters_and_readings(db.session, case.unit_id)
        ]
        return self.render(
            "movein/inspection/page.html", title=_("Inspection of %(unit)s", unit=case.unit.code), case=case, current=current,
            spaces=spaces, rows=matrix_of(current, spaces) if current else [], editable=editable, today=today, meters=meters,
            open_space=_open_space(spaces), left=left_of(case), photos=photos_of(db.session, case.defects),
            parties={e.code: in_language(e.title_zh, e.title_en) for e in lists["responsible_parties"]},
            said=said, results=list(ItemResult), refused=key, general=general, offers=self._offers(case),
            start_form=form if key == "start" else start_form()(None, data={"inspected_on": today}),
            head_form=form if key == "head" else head_form()(None, obj=current),
            meter_form=form if key == "meter" else meter_form()(None),
            failures=[i for i in current.items if i.result == ItemResult.FAIL and inspection.defect_of(i) is None] if current else [],
            defects={d.item_id: d for d in case.defects}, defect_of=inspection.defect_of, signature=case.signature("F11"),
            may_sign=actor.may("sign", "MoveInCase") or actor.may("inspect", "MoveInCase"),
        )  # fmt: skip

    def _offers(self, case: MoveInCase) -> list[Offer]:
        return [offer for offer in MOVE_IN.offers(case, current_actor()) if offer.transition.name in CONCLUSIONS]

    def _sheet(
        self, item: InspectionItem, entered: Defect | None, form: RecordForm, general: Sequence[str] = ()
    ) -> str:
        start = item.round.inspected_on
        days = inspection.limits_of(db.session, item)
        return self.render(
            "movein/inspection/_sheet.html" if "HX-Request" in request.headers else "movein/inspection/defect.html",
            title=_("Defect: %(item)s", item=said(item.title("item"))), said=said, item=item, case=item.round.case, form=form,
            general=general, entered=entered, own=entered is not None and entered.item_id == item.id,
            photos=photos_of(db.session, [entered])[entered.id] if entered else [],
            due={severity: start + timedelta(days=days[severity]) for severity in Severity},
            back=self._address(item.case_id, item.space, f"item-{item.id}"),
        )  # fmt: skip

    def _take(
        self, case: MoveInCase, form: RecordForm, work: Callable[[], Any], *, done: str, key: str, anchor: str = ""
    ) -> Response | tuple[str, int]:
        """Carry out what a form of the page asks for, or draw the page again with the form as it was filled in."""
        general: list[str] = []
        if form.validate():
            pk = case.id
            outcome = carry_out(work, lambda _result: self._address(pk, anchor=anchor or None), CONSTRAINTS)
            if outcome.done:
                flash(done, "success")
                return redirect(outcome.location)
            general = [*_stale(outcome), *spread(form, outcome)]
            case = inspected_case(db.session, pk)
        return self._page(case, key=key, form=form, general=general), 422

    @staticmethod
    def _address(pk: int, space: str = "", anchor: str | None = None) -> str:
        return url_for("InspectionPage.show", pk=pk, space=space or None, _anchor=anchor)


def _round(case: MoveInCase) -> InspectionRound:
    if case.round is None:
        raise NotAllowed(f"movein_case {case.id} has no inspection round")
    return case.round


def _read_tap(text: str) -> tuple[int, ItemResult | None]:
    number, _colon, result = text.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 10) or result not in {"", *ItemResult}:
        raise NotAllowed(text)
    return int(number), ItemResult(result) if result else None


def _uploads(name: str) -> list[FileStorage]:
    return [upload for upload in request.files.getlist(name) if upload.filename]


def _is_base(reading: MeterReading | None, case: MoveInCase) -> bool:
    """The reading was taken at this move-in."""
    return reading is not None and reading.source == ReadingSource.BASE and reading.read_at >= case.created_at


def _require_reading_time(case: MoveInCase) -> None:
    if case.state not in (CaseState.INSPECTION, CaseState.REFUSED):
        raise InvalidValue(_("This is not possible while the case is at “%(state)s”.", state=case.state.title))


def _open_space(spaces: Sequence[Any]) -> str:
    """The space shown open: the one just worked in, else the first with something left to check."""
    asked = request.args.get("space", "")
    if asked in {space.code for space in spaces}:
        return asked
    return next((space.code for space in spaces if space.judged < len(space.items)), "")


def _sentences(outcome: Outcome) -> list[str]:
    return [*_stale(outcome), *(sentence for sentences in outcome.errors.values() for sentence in sentences)]


def _stale(outcome: Outcome) -> list[str]:
    if not outcome.stale:
        return []
    return [_("Somebody else changed this record at the same moment; please look at it and try again.")]


def register_inspection(registry: Registry) -> None:
    """Inspection, defects, entrusted services, standing texts and code lists of the move-in."""
    registry.view(InspectionPage)
    registry.view(DefectView, label=_l("Defects"), category=_l("Move-in"), icon="hammer")
    registry.view(EntrustedServiceView, label=_l("Entrusted services"), category=_l("Move-in"), icon="briefcase")
    registry.view(StandingTextPage, label=_l("Standing texts"), category=_l("Settings"), icon="file-text")
    registry.view(MoveInItemView, label=_l("Lists of the move-in"), category=_l("Settings"), icon="list-check")
