"""Papers that say what their record says: the context is filled from the record's own columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, get_type_hints

from app.core.files.services import read
from app.core.papers.base.context import Bilingual, Header, Signature
from app.core.papers.kind import PaperKind
from app.core.papers.render import image_uri
from app.core.papers.template import PaperTemplate, build, load_paper
from app.core.papers.titles import in_both
from app.core.records.base import session_of
from app.core.records.choices import Choice
from app.core.records.clock import estate_time
from app.core.workflow.documents import signed


def paper_of(model: Any, folder: Path) -> PaperKind:
    """The paper in ``folder`` about a :class:`~app.core.workflow.documents.Document`, whose number it bears.

    ``meta.yaml`` says the form's number and titles, which values of the record it prints, and when it is issued.
    """
    info = load_paper(folder).info
    return PaperKind(
        code=info.form_no, title_zh=info.title_zh, title_en=info.title_en, folder=folder,
        record_type=model.__tablename__, resource=model.__name__, number=lambda record: record.number,
        unit=lambda record: record.audit_unit, context=lambda record, header: fill(load_paper(folder), record, header),
        states=tuple(info.states), public_state=info.public_state,
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
        return estate_time(session_of(record), record.estate_id, value)
    return build(kind, value) if isinstance(value, list) else value


def _signature(record: Any, block: Mapping[str, str]) -> Signature:
    """One block of ``meta.yaml``: signed on the record, with its picture, or by the person an attribute names."""
    drawn = signed(record, block["signed"]) if "signed" in block else None
    name = (drawn.signer or drawn.note if drawn else "") if "signed" in block else getattr(record, block["name"])
    at = (drawn.created_at if drawn else None) if "signed" in block else getattr(record, block["at"])
    return Signature(
        role=Bilingual(block["zh"], block["en"]), name=name,
        signed_on=estate_time(session_of(record), record.estate_id, at).date() if at else None,
        image=image_uri(read(drawn)) if drawn and drawn.kind == "signature" else "",
    )  # fmt: skip
