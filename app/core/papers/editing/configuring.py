"""Paper templates and the lines of the letterhead on the page of settings and in the configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.core.access.actor import Actor
from app.core.configuration.kinds import ConfigValues, Entry, Group, Key, Setting
from app.core.papers.editing.models import Letterhead, PaperForm
from app.core.papers.editing.services import (
    LINES,
    draft_of,
    form_of,
    letterhead_of,
    publish,
    set_form,
    set_letterhead,
    use_delivered,
)
from app.core.papers.editing.views import PaperTemplatePage
from app.core.records.choices import in_language
from app.core.records.identifiers import InvalidValue
from app.core.registry import registry

TEXTS = ("form_no", "revision")
TEMPLATE = ("template", "style")


def _forms(session: Session, estate_id: int) -> Mapping[Key, Entry]:
    rows = session.scalars(
        select(PaperForm)
        .where(PaperForm.estate_id == estate_id)
        .options(joinedload(PaperForm.in_force))
        .order_by(PaperForm.code)
    )
    found = {}
    for row in rows:
        own = row.in_force
        values = {"form_no": row.form_no, "revision": row.revision}
        found[row.code,] = values | {name: getattr(own, name) if own else "" for name in TEMPLATE}
    return {key: values for key, values in found.items() if any(values.values())}


def _save_form(session: Session, key: Key, values: Entry, *, actor: Actor) -> None:
    """The number and revision of a form, and its template, which comes into force as a new version."""
    kind = registry().papers.get(key[0])
    if kind is None:
        raise InvalidValue(_l("This installation has no such paper."))
    if values.keys() - {*TEXTS, *TEMPLATE} or not all(isinstance(value, str) for value in values.values()):
        raise InvalidValue(_l("A paper has a form number, a revision, a template and its style, each a text."))
    form = form_of(session, kind, actor)
    set_form(
        session, kind, actor=actor,
        form_no=values.get("form_no", form.form_no), revision=values.get("revision", form.revision),
    )  # fmt: skip
    here = {name: getattr(form.in_force, name) if form.in_force else "" for name in TEMPLATE}
    wanted = here | {name: values[name] for name in TEMPLATE if name in values}
    if wanted == here:
        return
    if not wanted["template"]:
        use_delivered(session, kind, actor=actor)
        return
    if draft_of(session, kind, actor.estate_id):
        raise InvalidValue(_l("Somebody is writing a draft of this paper; publish or discard it first."))
    publish(session, kind, **wanted, note=_("From a configuration file"), actor=actor)


def _head(session: Session, estate_id: int) -> Mapping[Key, Entry]:
    head = letterhead_of(session, estate_id)
    lines = {name: getattr(head, name) for name in LINES} if head else {}
    return {("lines",): lines} if any(lines.values()) else {}


def _save_head(session: Session, key: Key, values: Entry, *, actor: Actor) -> None:
    if key != ("lines",) or values.keys() - LINES.keys() or not all(isinstance(text, str) for text in values.values()):
        raise InvalidValue(_l("The letterhead has lines at the head and at the foot, each a text."))
    head = letterhead_of(session, actor.estate_id)
    kept = {name: getattr(head, name) if head else "" for name in LINES}
    set_letterhead(session, kept | values, {}, actor=actor)


def _title(code: str) -> Any:
    kind = registry().papers.get(code)
    return in_language(kind.title_zh, kind.title_en) if kind else code


PAPERS = ConfigValues(
    code="paper_templates", title=_l("Paper templates"), resource="PaperTemplate", key="form", read=_forms, save=_save_form,
    name=_title, order=110,
    labels={
        "form_no": _l("Form number"), "revision": _l("Revision"), "template": _l("Template"), "style": _l("Style"),
    },
)  # fmt: skip
HEAD = ConfigValues(
    code="letterhead", title=_l("Lines of the letterhead"), resource="PaperTemplate", key="of", read=_head, save=_save_head,
    name=lambda _key: _l("Letterhead"), labels={name: getattr(Letterhead, name).info["label"] for name in LINES}, order=105,
)  # fmt: skip
SETTING = Setting(
    code="paper_templates", title=_l("Paper templates"), group=Group.PAPERS, view=PaperTemplatePage, icon="file-text",
    models=(PaperForm, Letterhead), counted=lambda: [PaperForm.in_force_id.is_not(None)], order=10,
    sentence=_l("Templates, letterhead, form numbers and revisions of the papers."),
)  # fmt: skip
