"""Screens of documents – numbered records with a workflow and papers – and their place in the house, by one call.

What :func:`register_document` does every module may also do by hand; ``docs/add-a-module.md`` builds one with it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from flask import request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.core.access.actor import Actor, NotAllowed, current_actor
from app.core.clocks.kinds import WorkKind
from app.core.clocks.seeding import seed_rules
from app.core.clocks.services import last_day
from app.core.fields.kinds import Extensible
from app.core.papers.archive import Filed, FiledUnder
from app.core.papers.filling import paper_of
from app.core.papers.services import papers_of
from app.core.papers.template import load_paper
from app.core.records.clock import estate_today
from app.core.records.estate import Estate
from app.core.registry import HouseholdHead, HouseholdSection, QuickStart, Registry, registry
from app.core.search.numbers import any_numbered, numbered
from app.core.search.provider import Hit, SearchProvider
from app.core.workflow.documents import enter, sign, signed
from app.core.workflow.table import Workflow
from app.extensions import db
from app.fab.lists import record_views
from app.fab.views import RecordView, RelatedList, assign, expose, requires


class DocumentView(RecordView):
    """The screens of one kind of :class:`~app.core.workflow.documents.Document`: its papers and signatures included."""

    workflow: Workflow
    series: ClassVar[str]
    """Series of the numbers: ``GR`` gives ``GR-2026-00001``."""
    editable_in: Sequence[str] = ()
    """States in which the record can be edited and signed."""
    signers: Mapping[str, Any] = {}
    """Who signs, by role: the title of the signature."""
    validity: str = ""
    """Clock rule that says how long a :class:`~app.core.workflow.documents.Valid` document usually holds."""
    household: Mapping[str, Any] = {}
    """Heads of the household page that stand on the record's page, by name, each with a sentence below it."""
    show_template = "documents/show.html"

    def create(self, values: dict[str, Any], *, actor: Actor) -> Any:
        record = self.datamodel.obj()
        assign(record, values)
        return enter(db.session, record, self.workflow, series=self.series, actor=actor)

    def defaults(self) -> dict[str, Any]:
        estate = current_actor().estate_id
        if not self.validity or estate is None:
            return {}
        return {"valid_from": estate_today(db.session, estate), "valid_to": last_day(db.session, estate, self.validity)}

    def editable(self, record: Any | None, actor: Actor) -> set[str]:
        return super().editable(record, actor) if record is None or self._open(record) else set()

    def sections(self, record: Any, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        """The places to sign, the papers of the record, and what is to be known of the household."""
        signing = self._open(record) and actor.may("update", self.resource)
        given = [(role, title, signed(record, role)) for role, title in self.signers.items()]
        parts: list[tuple[Any, str, dict[str, Any]]] = []
        if signing or any(drawn for _role, _title, drawn in given):
            values = {"record": record, "view": self, "given": given, "signing": signing}
            parts.append((_("Signatures"), "documents/_signatures.html", values))
        parts += papers_section(record, actor)
        for name, sentence in self.household.items():
            head = registry().of(HouseholdHead)[name]
            if found := head.of(db.session, record.unit, actor):
                known = {"template": head.template, "values": found, "sentence": sentence}
                parts.append((head.title, "documents/_household_head.html", known))
        return parts

    @expose("/<int:pk>/sign/<role>", methods=["POST"])
    @requires("update")
    def sign(self, pk: int, role: str) -> Response:
        """Keep a signature drawn on the screen or the scan of the signed paper."""
        record = self.record_or_404(pk)
        if role not in self.signers or not self._open(record):
            raise NotAllowed(f"sign {self.resource} {role}")
        signer, drawing = request.form.get("signer", "")[:100], request.form.get("drawing", "")
        return self.command(
            lambda: sign(
                db.session, record, role=role, signer=signer, drawing=drawing, scan=request.files.get("scan"), actor=current_actor()
            ),
            done=_("The signature is kept."), then=self.address_of(record), record=record,
        )  # fmt: skip

    def _open(self, record: Any) -> bool:
        return record.state in self.editable_in


def papers_section(record: Any, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
    """The papers of a record as a section of its page; none for who finds none issued and may print none."""
    kinds = [kind for kind in registry().papers.values() if kind.record_type == record.__tablename__]
    issued = papers_of(db.session, record) if kinds else ()
    if not issued and not any(actor.may("print", kind.resource) for kind in kinds):
        return []
    values = {"record": record, "kinds": kinds, "papers": issued, "may": actor.may}
    return [(_("Paper"), "documents/_papers.html", values)]


def search_by_number(view: type[DocumentView], icon: str) -> SearchProvider:
    """The documents of a view by their number or the end of it, each with its state."""
    model, workflow = view.datamodel.obj, view.workflow

    def find(session: Session, text: str, limit: int) -> Sequence[Hit]:
        wanted = numbered(model.number, text)
        if wanted is None:
            return ()
        found = session.scalars(select(model).where(wanted).order_by(model.id.desc()).limit(limit))
        return [
            Hit(record.number, str(workflow.look(record).title), url_for(f"{view.__name__}.show", pk=record.id), icon)
            for record in found
        ]

    return SearchProvider(model.__tablename__, view.list_title, view.resource, find, any_numbered(model.number))


def register_document(
    registry: Registry, view: type[DocumentView], *, category: Any = "", icon: str = "file-text", filed: Filed = Filed.OTHER,
    starts: Mapping[str, tuple[str, Any]] | None = None, order: int = 50,
) -> None:  # fmt: skip
    """Give documents their place in the house: workflow, kind of work, page, menu, search by number, papers in the
    owner's file, a section of the household page, clock rules of new estates, and buttons of the home page.

    The papers are those in the module's ``papers`` that say their values in ``meta.yaml``, the clock rules those of its
    ``seeds/clocks.yaml``. ``filed``: part of the owner's file; ``starts``: verb → (method of the view, title of the
    button); ``order`` sorts buttons and sections. The records have a ``unit_id``.
    """
    home = Path(str(sys.modules[view.__module__].__file__)).parent
    label, clocks = view.list_title, home / "seeds" / "clocks.yaml"
    model, workflow, name = view.datamodel.obj, view.workflow, view.__name__
    table = model.__tablename__

    def page(number: int) -> str:
        return url_for(f"{name}.show", pk=number)

    def of_unit(unit: Any, actor: Actor) -> dict[str, Any]:
        columns = [column for column in view.list_columns if column != "unit_id"]
        shown = RelatedList(view=name, column="unit_id", columns=columns, limit=20)
        return {"part": record_views()[name]._related_part(unit, shown, actor)}

    def bring_clocks(session: Session, estate: Estate) -> None:
        if clocks.is_file():
            seed_rules(session, estate, clocks)

    registry.workflow(workflow)
    registry.contribute(
        WorkKind(code=workflow.work, title=view.show_title, resource=view.resource, model=model, icon=icon)
    )
    registry.contribute(Extensible(name=table, title=view.show_title))
    registry.page(table, page)
    registry.view(view, label=label, category=category, icon=icon)
    registry.search(search_by_number(view, icon))
    registry.contribute(FiledUnder(name=table, part=filed))
    registry.seed(bring_clocks)
    registry.section(
        HouseholdSection(name=table, title=label, template="documents/_household.html", load=of_unit, order=order)
    )
    for folder in sorted(path.parent for path in home.glob("papers/*/meta.yaml")):
        if load_paper(folder).info.values:
            registry.paper(paper_of(model, folder))
    for verb, (method, title) in (starts or {}).items():
        registry.contribute(
            QuickStart(
                name=f"{table}-{verb}", title=title, endpoint=f"{name}.{method}", icon=icon, verb=verb, resource=view.resource,
                order=order,
            )
        )  # fmt: skip
