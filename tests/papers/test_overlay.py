"""Sheets laid out once and filled by overlay look and read like papers rendered in full."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from PIL import ImageChops

from app.core.papers.base.context import Bilingual, Header
from app.core.papers.overlay import Filler
from app.core.papers.template import load_paper

APP = Path(__file__).parents[2] / "app"
PAPERS = sorted(path.parent for path in APP.glob("modules/*/papers/*/meta.yaml"))
RESOLUTION = 80
UNLIKE = 96
"""Difference of grey from which a pixel counts: more than the antialiasing of a sign moved by kerning."""
MOST_UNLIKE = 0.006
"""Share of a page's pixels that may differ."""

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("laid_out_once")]


RUNNING_TEXT = {"movein_notice"}
"""Papers with values of a household inside paragraphs of several lines, which are laid out by their widths."""


@pytest.mark.parametrize("folder", PAPERS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("language", ["zh", "en", "both"])
def test_both_ways_give_the_same_paper(folder: Path, language: str) -> None:
    template = load_paper(folder)
    for name, context in template.samples(language).items():
        if name == "typical" or language == "both":
            filler = Filler()
            full, filled = (filler.render(template, context) for _ in range(2))
            assert (filler.rendered, filler.overlaid) == (1, 1), "only the first of its structure is rendered in full"
            assert_alike(full, filled, name)
            if name == "typical" and language == "both":
                others_share_its_sheet(folder, filler, household(context))


def others_share_its_sheet(folder: Path, filler: Filler, other: Any) -> None:
    """Households with other names and numbers have no sheet of their own."""
    template = load_paper(folder)
    runs = 3 if folder.name in RUNNING_TEXT else 1
    for _ in range(runs):
        filled = filler.render(template, other)
    assert filler.rendered == (2 if folder.name in RUNNING_TEXT else 1)
    assert_alike(template.render(other), filled, "other household")


def household(value: Any) -> Any:
    """A copy of a context with longer names and other numbers."""
    if isinstance(value, Bilingual):
        return value
    if isinstance(value, Header):
        return dataclasses.replace(value, unit_code=f"1{value.unit_code}", issued_by=value.issued_by[:1] + "小明")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: household(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    if isinstance(value, tuple):
        return tuple(household(item) for item in value)
    if isinstance(value, str) and re.fullmatch("[\u4e00-\u9fff]{2,3}", value):
        return f"欧{value}" if len(value) == 2 else value[:2]
    if isinstance(value, str) and re.fullmatch(r"[\d*-]{7,}", value):
        return value.translate(str.maketrans("0123456789", "8357924610"))
    return value


def assert_alike(full: bytes, filled: bytes, name: str) -> None:
    one, other = pypdfium2.PdfDocument(full), pypdfium2.PdfDocument(filled)
    assert len(one) == len(other), name
    for number in range(len(one)):
        assert words(other[number]) == words(one[number]), (name, number)
        assert unlike(one[number], other[number]) < MOST_UNLIKE, (name, number)


def words(page: Any) -> Counter[str]:
    """The signs of a page; drawn later, the values come in another order. A hyphen at a line's end is U+FFFE to PDFium."""
    return Counter("".join(page.get_textpage().get_text_range().replace("\ufffe", "-").split()))


def unlike(one: Any, other: Any) -> float:
    """Share of pixels that differ visibly."""
    first, second = (page.render(scale=RESOLUTION / 72, grayscale=True).to_pil().convert("L") for page in (one, other))
    assert first.size == second.size
    different = ImageChops.difference(first, second).point(lambda value: 255 if value > UNLIKE else 0)
    return different.histogram()[255] / (first.width * first.height)


def test_values_that_differ_are_the_ones_printed() -> None:
    template = load_paper(APP / "modules" / "fees" / "papers" / "receipt")
    context, filler = template.samples()["typical"], Filler()
    for payer in ("张三丰", "李四", "Maria da Silva"):
        pdf = filler.render(template, dataclasses.replace(context, payer=payer))
    assert filler.rendered == 1
    assert filler.render(template, dataclasses.replace(context, payer=payer)) == pdf
    text = "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf))
    assert "Maria da Silva" in text
    assert "李四" not in text


@pytest.mark.parametrize("payer", ["很长的付款人名称" * 9, "A" * 200, "生僻𠮷字"])
def test_what_does_not_fit_is_rendered_in_full(payer: str) -> None:
    template = load_paper(APP / "modules" / "fees" / "papers" / "receipt")
    context, filler = template.samples()["typical"], Filler()
    for _ in range(2):
        filler.render(template, context)
    odd = dataclasses.replace(context, payer=payer)
    assert filler.render(template, odd) == template.render(odd)
    assert filler.rendered == 2
