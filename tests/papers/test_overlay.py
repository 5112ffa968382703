"""Sheets laid out once and filled by overlay look and read like papers rendered in full."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from PIL import ImageChops

from app.core.papers.overlay import Filler
from app.core.papers.template import PaperTemplate, load_paper

APP = Path(__file__).parents[2] / "app"
PAPERS = sorted(path.parent for path in APP.glob("modules/*/papers/*/meta.yaml"))
RESOLUTION = 80
UNLIKE = 96
"""Difference of grey from which a pixel counts: more than the antialiasing of a sign moved by kerning."""
MOST_UNLIKE = 0.006
"""Share of a page's pixels that may differ."""

pytestmark = pytest.mark.slow


def overlaid(template: PaperTemplate, context: Any) -> bytes:
    """The paper by overlay, as the third of its structure."""
    filler = Filler()
    papers = [filler.render(template, context) for _ in range(3)]
    assert (filler.rendered, filler.overlaid) == (1, 2), "only the first of its structure is rendered in full"
    assert papers[2] == papers[1]
    return papers[2]


@pytest.mark.parametrize("folder", PAPERS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("language", ["zh", "en", "both"])
def test_both_ways_give_the_same_paper(folder: Path, language: str) -> None:
    template = load_paper(folder)
    for name, context in template.samples(language).items():
        if name != "typical" and language != "both":
            continue
        full, filled = (
            pypdfium2.PdfDocument(template.render(context)),
            pypdfium2.PdfDocument(overlaid(template, context)),
        )
        assert len(full) == len(filled), name
        for number in range(len(full)):
            assert words(filled[number]) == words(full[number]), (name, number)
            assert unlike(full[number], filled[number]) < MOST_UNLIKE, (name, number)


def words(page: Any) -> Counter[str]:
    """The signs of a page; drawn later, the values come in another order."""
    return Counter("".join(page.get_textpage().get_text_range().split()))


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
