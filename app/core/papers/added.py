"""Fields without code on papers: the values a template finds as ``fields.power``."""

from __future__ import annotations

import dataclasses
import functools
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from jinja2 import nodes

from app.core.access.actor import Actor
from app.core.fields.kinds import Field
from app.core.fields.models import FieldKind
from app.core.fields.queries import fields_of, values_of
from app.core.papers.base.context import Bilingual, FieldText
from app.core.papers.kind import PaperKind
from app.core.papers.renderer import RenderFailed
from app.core.papers.template import PaperTemplate, environment_of
from app.core.records.amounts import format_money
from app.core.records.base import Record, session_of


def fields_on(kind: PaperKind, estate_id: int) -> list[Field]:
    """The fields that papers of a kind can print: those of its record, of the unit and of the person it is about.

    Of two with the same code the first counts. Archived ones are among them: they print nothing.
    """
    found: dict[str, Field] = {}
    for record_type in dict.fromkeys((kind.record_type, "unit", "person" if kind.person else "unit")):
        for field in fields_of(record_type, archived=True, estate_id=estate_id):
            found.setdefault(field.code, field)
    return list(found.values())


def field_texts(kind: PaperKind, record: Record, template: PaperTemplate) -> tuple[FieldText, ...]:
    """What a paper about ``record`` says of the fields that its template prints; no statement when it prints none."""
    used = codes_used(template)
    fields = [field for field in fields_on(kind, record.estate_id) if field.code in used] if used else []
    ids = {"unit": kind.unit(record), "person": kind.person(record) if kind.person else None}
    ids[kind.record_type] = record.id
    texts: list[FieldText] = []
    for record_type in dict.fromkeys(field.record_type for field in fields):
        number = ids[record_type]
        mine = [field for field in fields if field.record_type == record_type]
        read = [field for field in mine if not field.archived]
        values = values_of(session_of(record), record_type, [number], read).get(number, {}) if number else {}
        texts += [FieldText(code=field.code, text=_said(field, values.get(field.code))) for field in mine]
    return tuple(texts)


def require_seen(kind: PaperKind, record: Record, template: PaperTemplate, actor: Actor) -> None:
    """Refuse the paper to who may not see a field on it: it says the same whoever prints it.

    Raises:
        RenderFailed: with the field's title.
    """
    used = codes_used(template)
    for field in fields_on(kind, record.estate_id) if used else ():
        if field.code in used and not field.archived and not field.seen_by(actor):
            raise RenderFailed(_l("This paper prints “%(field)s”, which you may not see.", field=field.label))


def with_samples(template: PaperTemplate, kind: PaperKind, estate_id: int) -> PaperTemplate:
    """The template with values of the estate's fields for its samples."""
    texts = (FieldText(code=f.code, text=sample_of(f)) for f in fields_on(kind, estate_id))
    return dataclasses.replace(template, sample_fields=tuple(texts))


def sample_of(field: Field) -> Bilingual | None:
    """A value such as the field may have; of an archived one, nothing."""
    offered = next((choice.code for choice in field.choices if not choice.withdrawn), None)
    if field.archived:
        return None
    if field.kind is FieldKind.TEXT:
        return Bilingual("示例文字", "Sample text")
    if field.kind is FieldKind.DATE:
        return Bilingual("2026-01-15")
    if field.kind is FieldKind.FILE:
        return Bilingual("sample.pdf")
    return _said(field, {FieldKind.CHOICE: offered, FieldKind.YES_NO: True}.get(field.kind, Decimal("1234.56")))


def _said(field: Field, value: Any) -> Bilingual | None:
    """A value as papers print it."""
    if value is None:
        return None
    match field.kind:
        case FieldKind.CHOICE:
            choice = field.choice(value)
            return Bilingual(choice.title_zh, choice.title_en)
        case FieldKind.YES_NO:
            return Bilingual("是", "Yes") if value else Bilingual("否", "No")
        case FieldKind.MONEY:
            return Bilingual(format_money(value))
        case FieldKind.NUMBER:
            return Bilingual(f"{value:,.{field.places}f}")
        case FieldKind.FILE:
            return Bilingual(value.name)
    return Bilingual(str(value))


def codes_used(template: PaperTemplate) -> frozenset[str]:
    """Codes of the fields that a template prints."""
    text = template.edited.html if template.edited else (template.folder / "template.html").read_text(encoding="utf-8")
    return _codes(template.folder, text)


@functools.lru_cache(maxsize=256)
def _codes(folder: Any, text: str) -> frozenset[str]:
    if "fields" not in text:
        return frozenset()
    tree = environment_of(folder).parse(text)
    named = [n for n in tree.find_all(nodes.Getattr) if isinstance(n.node, nodes.Name) and n.node.name == "fields"]
    keyed = [n for n in tree.find_all(nodes.Getitem) if isinstance(n.node, nodes.Name) and n.node.name == "fields"]
    return frozenset({n.attr for n in named} | {n.arg.value for n in keyed if isinstance(n.arg, nodes.Const)})
