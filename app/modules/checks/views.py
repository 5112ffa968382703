"""Spot checks and findings on the screen: draw, work through the samples, verify the draw (MI-12, MI-13)."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import joinedload, selectinload

from app.core.access.actor import Actor, current_actor
from app.core.access.roles import TITLES
from app.core.files.services import attach
from app.core.papers.services import papers_of
from app.core.records.base import Record
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.registry import Registry, registry
from app.extensions import db
from app.fab import cells
from app.fab.fields import WholeField
from app.fab.interface import RecordInterface
from app.fab.submit import carry_out, spread
from app.fab.views import RecordView, address_of, expose, link_to_show, requires
from app.modules.checks import services
from app.modules.checks.draw import rank
from app.modules.checks.forms import SampleForm, finding_form
from app.modules.checks.models import CheckCategory, CheckSample, Finding, SpotCheck
from app.modules.checks.queries import WHOLE_CHECK, categories_of, files_of, sample_of
from app.modules.checks.states import RESULT_COLOURS, SEVERITY_COLOURS, SampleResult
from app.modules.checks.workflow import CHECK

PHOTO = "photo"


def stale_or(outcome: Any, sentences: list[str]) -> list[str]:
    """What a refused form says above itself."""
    if outcome.stale:
        return [_("Somebody else changed this record at the same moment; please look at it and try again.")]
    return sentences


def paper_section(record: Record, code: str) -> tuple[Any, str, dict[str, Any]]:
    """The paper of a record with its issues, as a section of the page."""
    kind = registry().papers[code]
    printable = current_actor().may("print", kind.resource)
    values = {"kind": kind, "record": record, "papers": papers_of(db.session, record), "printable": printable}
    return _("Paper"), "checks/_paper.html", values


def file_section(record: Record, changeable: bool) -> tuple[Any, str, dict[str, Any]]:
    """The files of a record as a section of its page."""
    files = files_of(db.session, record.__tablename__, [record.id])[record.id]
    return _("Photos and files"), "checks/_files.html", {"record": record, "files": files, "changeable": changeable}


def keep_uploads(record: Record, actor: Actor) -> None:
    """Attach what came as ``photo``."""
    for upload in request.files.getlist("photo"):
        if upload.filename:
            attach(db.session, record, upload, kind=PHOTO, actor=actor)


def severity_badge(record: Any) -> Any:
    return cells.badge(record.severity.title, SEVERITY_COLOURS[record.severity])


class SpotCheckView(RecordView):
    datamodel = RecordInterface(SpotCheck)
    resource = "SpotCheck"
    route_base = "/checks"
    workflow = CHECK
    list_title = _l("Spot checks")
    show_title = _l("Spot check")
    add_title = _l("Draw a spot check")
    intro = _l("Random samples of records, drawn so that anybody can draw again and compare.")
    list_columns = ("number", "kind", "period_from", "period_to", "progress", "state", "drawn_by_name", "concluded_at")
    search_columns = ("number", "kind", "state", "period_from", "period_to", "drawn_by_name", "concluded_at")
    order_columns = ("number", "period_from", "state", "concluded_at")
    load = WHOLE_CHECK
    label_columns = {"progress": _l("Checked")}
    list_cell = {"number": link_to_show(lambda check: check.number)}
    show_empty = False
    show_fieldsets = (
        (
            "",
            ("kind", "period_from", "period_to", "population_size", "sample_size", "drawn_at", "drawn_by_name",
             "concluded_at", "concluded_by_name", "conclusion", "withdrawn_reason"),
        ),
    )  # fmt: skip
    add_columns = ("kind", "period_from", "period_to", "sample_size")
    form_fieldsets = (("", add_columns),)
    form_fields = {
        "sample_size": WholeField(_l("Number to draw"), description=_l("Left empty, the usual number of this kind."))
    }

    def defaults(self) -> dict[str, Any]:
        today = estate_today(db.session, current_actor().estate_id or 0)
        return {"period_from": today.replace(day=1), "period_to": today}

    def create(self, values: dict[str, Any], *, actor: Actor) -> SpotCheck:
        return services.draw_check(db.session, actor=actor, **values)

    def sections(self, record: SpotCheck, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        kind = services.kind_of(record)
        working = record.is_open and actor.may("check", "SpotCheck")
        values = {
            "check": record, "colours": RESULT_COLOURS, "working": working, "kind": kind,
            "left": next((s.seq for s in record.samples if s.result is None), None),
        }  # fmt: skip
        return [(_("Samples"), "checks/_samples.html", values), paper_section(record, "CK")]

    @expose("/<int:pk>/draw")
    @requires("read")
    def draw(self, pk: int) -> str:
        """Draw again before everybody's eyes: every record of the period with its rank, the drawn ones first."""
        check = self.record_or_404(pk)
        kind = services.kind_of(check)
        labels = services.population_of(db.session, kind, check.estate_id, check.period_from, check.period_to)
        ranked = sorted((rank(check.seed, number), number) for number in check.population)
        known = {sample.record_id: sample for sample in check.samples if not sample.picked}
        added = sorted(set(labels) - set(check.population))
        return self.render_template(
            "checks/draw.html", title=_("The draw of %(number)s", number=check.number), check=check,
            right=services.verify_draw(check), added=[labels[number] for number in added],
            gone=len(set(check.population) - set(labels)), total=len(ranked),
            lines=[
                (place, number, digest, labels.get(number) or (known[number].label if number in known else ""), known.get(number))
                for place, (digest, number) in enumerate(ranked[: max(100, check.sample_size)], 1)
            ],
        )  # fmt: skip

    @expose("/<int:pk>/pick", methods=["POST"])
    @requires("check")
    def pick(self, pk: int) -> Any:
        """Add a record by hand, by its label as the records of the period have it."""
        check, text = self.record_or_404(pk), request.form.get("record", "").strip()

        def work() -> CheckSample:
            kind = services.kind_of(check)
            found = services.population_of(db.session, kind, check.estate_id, check.period_from, check.period_to)
            alike = [number for number, label in found.items() if text and text.lower() in label.lower()]
            exact = [number for number, label in found.items() if label == text]
            chosen = exact or alike
            if len(chosen) != 1:
                raise InvalidValue(
                    _(
                        "“%(text)s” fits %(count)s records of the period; write the number of one.",
                        text=text,
                        count=len(chosen),
                    )
                )
            return services.pick_sample(db.session, check, chosen[0], actor=current_actor())

        return self.command(work, done=_("The record is added to the samples."), then=self.address_of(check))

    @expose("/<int:pk>/samples/<int:number>")
    @requires("read")
    def sample(self, pk: int, number: int) -> str:
        """One sample after the other: what the record says, what to look at, and the judgement."""
        return self._sample_page(sample_of(db.session, pk, number))

    @expose("/<int:pk>/samples/<int:number>/judge", methods=["POST"])
    @requires("check")
    def judge(self, pk: int, number: int) -> Any:
        sample, form = sample_of(db.session, pk, number), SampleForm(request.form)
        wanted = request.form.get("result", "")
        result = SampleResult(wanted) if wanted in (SampleResult.OK, SampleResult.NOT_APPLICABLE) else None
        general: list[str] = []
        if form.validate():
            outcome = carry_out(
                lambda: services.judge(
                    db.session, sample, result=result, note=form.note.data or "", actor=current_actor()
                ),
                lambda _r: self._after(sample) if result else self._here(sample),
            )
            if outcome.done:
                flash(
                    _("Sample %(number)s is judged.", number=number) if result else _("The judgement is taken back."),
                    "success",
                )
                return redirect(outcome.location)
            general = stale_or(outcome, spread(form, outcome))
        return self._sample_page(sample_of(db.session, pk, number), judge=form, tried=wanted, general=general), 422

    @expose("/<int:pk>/samples/<int:number>/finding", methods=["POST"])
    @requires("check")
    def find(self, pk: int, number: int) -> Any:
        sample = sample_of(db.session, pk, number)
        categories = categories_of(db.session, sample.estate_id)
        form = finding_form(categories)(request.form)
        general: list[str] = []
        if form.validate():
            actor = current_actor()

            def work() -> Finding:
                values = form.values()
                chosen = values.pop("category_id")
                values["category"] = next(category for category in categories if category.id == chosen)
                finding = services.find(db.session, sample, actor=actor, **values)
                keep_uploads(finding, actor)
                return finding

            outcome = carry_out(work, lambda _finding: self._here(sample))
            if outcome.done:
                finding = outcome.result
                flash(_("The finding is recorded."), "success")
                if finding is not None and finding.action:
                    flash(
                        _(
                            "This is a repeated problem: see the corrective action %(number)s.",
                            number=finding.action.number,
                        ),
                        "warning",
                    )
                return redirect(outcome.location)
            general = stale_or(outcome, spread(form, outcome))
        page = self._sample_page(sample_of(db.session, pk, number), finding=form, tried="finding", general=general)
        return page, 422

    def _here(self, sample: CheckSample) -> str:
        return url_for(".sample", pk=sample.check_id, number=sample.seq)

    def _after(self, sample: CheckSample) -> str:
        """The next sample without a result, after this one or from the start; the check when none is left."""
        open_ones = [s.seq for s in sample.check.samples if s.result is None and s.id != sample.id]
        following = next((seq for seq in open_ones if seq > sample.seq), open_ones[0] if open_ones else None)
        if following is None:
            return url_for(".show", pk=sample.check_id)
        return url_for(".sample", pk=sample.check_id, number=following)

    def _sample_page(self, sample: CheckSample, **given: Any) -> str:
        actor, check = current_actor(), sample.check
        kind = services.kind_of(check)
        record = db.session.get(kind.model, sample.record_id)
        categories = categories_of(db.session, check.estate_id)
        usual = {"role": kind.role.value, "severity": "minor"}
        values: dict[str, Any] = {
            "judge": SampleForm(None, data={"note": sample.note}), "finding": finding_form(categories)(None, data=usual),
            "general": [], "tried": "", **given,
        }  # fmt: skip
        may_see = record is not None and actor.may("read", kind.resource)
        own = services.own_entry(db.session, sample, actor)
        return self.render_template(
            "checks/sample.html", title=_("Sample %(number)s of %(check)s", number=sample.seq, check=check.number),
            check=check, sample=sample, kind=kind, colours=RESULT_COLOURS, roles={r.value: t for r, t in TITLES.items()},
            address=address_of(record) if may_see else None, own=own, following=self._after(sample),
            part=kind.facts(db.session, record) if may_see and kind.sheet else None,
            working=check.is_open and actor.may("check", "SpotCheck") and not own,
            files=files_of(db.session, "check_finding", [f.id for f in sample.standing_findings]), **values,
        )  # fmt: skip


class FindingView(RecordView):
    datamodel = RecordInterface(Finding)
    resource = "Finding"
    route_base = "/findings"
    list_title = _l("Findings")
    show_title = _l("Finding")
    empty_hint = _l("Findings come from spot checks and from the other modules.")
    list_columns = (
        "number",
        "description",
        "category_id",
        "severity",
        "role",
        "unit_id",
        "found_at",
        "source_label",
        "action_id",
    )
    search_columns = (
        "number",
        "description",
        "category_id",
        "severity",
        "role",
        "unit_id",
        "found_at",
        "found_by_name",
        "action_id",
    )
    order_columns = ("number", "severity", "found_at")
    base_order = (("found_at", "desc"), ("id", "desc"))
    list_cell = {"number": link_to_show(lambda finding: finding.number), "severity": severity_badge}
    load = (selectinload(Finding.notices), joinedload(Finding.sample).joinedload(CheckSample.check))
    show_empty = False
    show_fieldsets = (
        (
            "",
            ("description", "category_id", "severity", "role", "person_id", "unit_id", "source_label", "found_at",
             "found_by_name", "action_id", "revoked_at", "revoked_reason"),
        ),
    )  # fmt: skip
    show_template = "checks/finding_show.html"

    def sections(self, record: Finding, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        changeable = actor.may("update", "Finding") and not record.revoked_at
        return [
            (_("Rectification notices"), "checks/_notices.html", {"notices": record.notices}),
            file_section(record, changeable),
        ]

    @expose("/<int:pk>/revoke", methods=["POST"])
    @requires("revoke")
    def revoke(self, pk: int) -> Any:
        """Take back a finding entered by mistake."""
        finding, reason = self.record_or_404(pk), request.form.get("reason", "")
        return self.command(
            lambda: services.revoke_finding(db.session, finding, reason=reason, actor=current_actor()),
            done=_("The finding is taken back."), then=self.address_of(finding),
        )  # fmt: skip


class CheckCategoryView(RecordView):
    datamodel = RecordInterface(CheckCategory)
    resource = "CheckCategory"
    route_base = "/check-categories"
    list_title = _l("Categories of findings")
    show_title = _l("Category")
    add_title = _l("New category")
    edit_title = _l("Edit category")
    intro = _l(
        "A problem of the same category that occurs so often within so many days opens a corrective action by itself."
    )
    list_columns = ("seq", "code", "title_zh", "title_en", "repeat_count", "repeat_days", "active")
    search_columns = ("code", "title_zh", "title_en", "active")
    base_order = (("seq", "asc"), ("code", "asc"))
    list_cell = {"code": link_to_show(lambda category: category.code)}
    show_fieldsets = (("", ("code", "seq", "title_zh", "title_en", "repeat_count", "repeat_days", "active")),)
    add_columns = ("code", "seq", "title_zh", "title_en", "repeat_count", "repeat_days", "active")
    edit_columns = ("seq", "title_zh", "title_en", "repeat_count", "repeat_days", "active")

    def create(self, values: dict[str, Any], *, actor: Actor) -> CheckCategory:
        return services.save_category(db.session, None, values, actor=actor)

    def update(self, record: CheckCategory, values: dict[str, Any], *, actor: Actor) -> None:
        services.save_category(db.session, record, values, actor=actor)


def register_views(registry: Registry) -> None:
    """The screens in the order of the menu."""
    from app.modules.checks.action_views import CorrectiveActionView
    from app.modules.checks.notice_views import RectificationNoticeView

    quality = _l("Quality")
    registry.view(SpotCheckView, label=_l("Spot checks"), category=quality, icon="clipboard-check")
    registry.view(FindingView, label=_l("Findings"), category=quality, icon="search")
    registry.view(RectificationNoticeView, label=_l("Rectification notices"), category=quality, icon="alert-circle")
    registry.view(CorrectiveActionView, label=_l("Corrective actions"), category=quality, icon="refresh")
    registry.view(CheckCategoryView, label=_l("Categories of findings"), category=_l("Settings"), icon="tag")
