"""Papers that say what their record says: the context is filled from the record's own columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from app.core.files.services import read
from app.core.papers.base.context import Bilingual, Header, Signature
from app.core.papers.kind import PaperKind
from app.core.papers.render import image_uri
from app.core.papers.template import PaperTemplate, build, load_paper
from app.core.papers.titles import in_both
from app.core.records.base import Record, session_of
from app.core.records.choices import Choice
from app.core.records.clock import estate_time
from app.core.workflow.documents import Document, signed


def kind_of(folder: Path, model: Any, context: Callable[[Any, Header], Any], **stated: Any) -> PaperKind:
    """The paper in ``folder`` about records of ``model``; what is not ``stated`` is as its ``meta.yaml`` has it.

    Usually whoever may print such records prints it, and it lies in the file of the unit that the record concerns.
    """
    info = load_paper(folder).info
    usual = {
        "code": info.form_no, "title_zh": info.title_zh, "title_en": info.title_en, "record_type": model.__tablename__,
        "resource": model.__name__, "unit": lambda record: record.audit_unit,
    }  # fmt: skip
    return PaperKind(folder=folder, context=context, **(usual | stated))


def paper_of(model: Any, folder: Path) -> PaperKind:
    """The paper in ``folder`` about a :class:`~app.core.workflow.documents.Document`, whose number it bears.

    ``meta.yaml`` says also which values of the record it prints, and when it is issued.
    """
    info = load_paper(folder).info
    return kind_of(
        folder, model, lambda record, header: fill(load_paper(folder), record, header), number=lambda record: record.number,
        states=tuple(info.states), public_state=info.public_state,
    )  # fmt: skip


Moment = TypeVar("Moment", datetime, datetime | None)


def local(record: Record, moment: Moment) -> Moment:
    """The moment as the clocks of the record's estate show it; None stays None."""
    return estate_time(session_of(record), record.estate_id, moment) if moment else moment


def signature_of(document: Document, role: str, title: Bilingual, *, name: str = "") -> Signature:
    """What was signed last in ``role``, on the screen or on paper, otherwise room for ``name`` to sign."""
    drawn = signed(document, role)
    if drawn is None:
        return Signature(role=title, name=name)
    return Signature(
        role=title, name=drawn.signer or drawn.note, signed_on=local(document, drawn.created_at).date(),
        image=image_uri(read(drawn)) if drawn.kind == "signature" else "",
    )  # fmt: skip


def fill(template: PaperTemplate, record: Any, header: Header) -> Any:
    """The paper's context, filled with the record's attributes of the same names.

    Choices become titles in both languages, moments estate time, rows what ``meta.yaml`` says of them. The head bears
    the code of the record's ``unit``.
    """
    unit = getattr(record, "unit", None)
    kinds = get_type_hints(template.context_type)
    said = {name: _plain(record, getattr(record, name), kinds[name]) for name in template.info.values}
    if template.info.signatures:
        said["signatures"] = tuple(_signature(record, block) for block in template.info.signatures)
    return template.context_type(header=dataclasses.replace(header, unit_code=unit.code if unit else ""), **said)


def _plain(record: Any, value: Any, kind: Any) -> Any:
    if isinstance(value, Choice):
        return in_both(value.title)
    if isinstance(value, datetime):
        return local(record, value)
    return build(kind, value) if isinstance(value, list) else value


def _signature(record: Any, block: Mapping[str, str]) -> Signature:
    """One block of ``meta.yaml``: signed on the record, with its picture, or by the person an attribute names."""
    title = Bilingual(block["zh"], block["en"])
    if "signed" in block:
        return signature_of(record, block["signed"], title)
    at = local(record, getattr(record, block["at"]))
    return Signature(role=title, name=getattr(record, block["name"]), signed_on=at.date() if at else None)
