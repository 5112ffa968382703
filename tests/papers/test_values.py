"""A paper whose ``meta.yaml`` names the values of its record has the context those describe."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal

import pytest

from app.core.papers.base.context import Bilingual, Header
from app.core.papers.render import PaperError
from app.core.papers.template import PaperInfo, _context_type, build, plain

INFO = PaperInfo(
    code="slip", form_no="X-1", revision="A/0", title_zh="单", title_en="Slip", series="X",
    values={"name": "text", "kind": "title", "paid": "amount", "on": "day", "items": {"name": "text", "count": "number"}},
)  # fmt: skip
HEADER = {
    "company": "C", "estate_name_zh": "园", "estate_name_en": "Garden", "issued_on": date(2026, 11, 21), "issued_by": "A",
    "form_no": "X-1", "revision": "A/0", "title_zh": "单", "title_en": "Slip",
}  # fmt: skip


def test_values_become_a_frozen_context() -> None:
    context = build(
        _context_type(INFO),
        {
            "header": HEADER,
            "name": "Sofa",
            "kind": {"zh": "搬家", "en": "Moving"},
            "paid": "3.50",
            "items": [{"name": "Leg", "count": 4}],
        },
    )
    assert (context.name, context.kind, context.paid, context.on) == (
        "Sofa",
        Bilingual("搬家", "Moving"),
        Decimal("3.50"),
        None,
    )
    assert (context.items[0].name, context.items[0].count) == ("Leg", 4)
    assert isinstance(context.header, Header)
    plain(context)
    with pytest.raises(dataclasses.FrozenInstanceError):
        context.name = "x"


@pytest.mark.parametrize("data", [{"colour": "red"}, {"items": [{"weight": 1}]}, {"on": "yesterday"}])
def test_what_the_form_does_not_name_is_refused(data: dict) -> None:
    with pytest.raises(PaperError):
        build(_context_type(INFO), {"header": HEADER, **data})
