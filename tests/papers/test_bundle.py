"""Packs: the issued papers in order, as they are, with bookmarks and page numbers over the whole."""

from __future__ import annotations

import io
from datetime import date

import pikepdf
import pypdf
import pytest

from app.core.papers.bundle import Part, bundle
from app.core.papers.render import PaperError, PaperMeta
from app.core.papers.renderer import render as render_pdf


def part(number: str, pages: int, size: str = "A4", heading: str = "章节") -> Part:
    body = "<h1>标题</h1>" + "".join(
        f'<section style="break-after: page"><h2>{heading} {page}</h2><p>{number} 第{page}张</p></section>'
        for page in range(1, pages)
    )
    html = body + f"<h2>{heading} {pages}</h2><p>{number} 第{pages}张</p>"
    meta = PaperMeta(title=number, issued_on=date(2026, 11, 21))
    css = f"@page {{ size: {size} }} * {{ font-family: Doc Sans }}"
    return Part(render_pdf(html, [css], language="zh", meta=meta), number, f"表{number}", f"Form {number}")


@pytest.fixture(scope="module")
def parts() -> list[Part]:
    return [part("F01", 3), part("F15", 1, "A4 landscape"), part("F16", 2)]


def reader(pdf: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(pdf))


def test_papers_stand_in_order_with_pack_page_numbers(parts: list[Part]) -> None:
    texts = [page.extract_text() for page in reader(bundle(parts, "both")).pages]
    expected = ["F01 第1张", "F01 第2张", "F01 第3张", "F15 第1张", "F16 第1张", "F16 第2张"]
    for number, (text, own) in enumerate(zip(texts, expected, strict=True), 1):
        assert own in text
        assert f"整套第 {number} 页 / 共 6 页" in text and f"Pack page {number} of 6" in text


@pytest.mark.parametrize(
    ("language", "there", "absent"), [("zh", "整套第 1 页", "Pack"), ("en", "Pack page 1", "整套")]
)
def test_page_numbers_are_in_the_pack_s_language(parts: list[Part], language: str, there: str, absent: str) -> None:
    text = reader(bundle(parts[:1], language)).pages[0].extract_text()
    assert there in text and absent not in text


def test_each_paper_has_a_bookmark_with_its_headings(parts: list[Part]) -> None:
    pack = reader(bundle(parts, "both"))
    flat = []
    for item in pack.outline:
        if isinstance(item, list):
            flat.append([(str(child.title), pack.get_destination_page_number(child)) for child in item])
        else:
            flat.append((str(item.title), pack.get_destination_page_number(item)))
    assert flat == [
        ("表F01 Form F01 F01", 0),
        [("章节 1", 0), ("章节 2", 1), ("章节 3", 2)],
        ("表F15 Form F15 F15", 3),
        [("章节 1", 3)],
        ("表F16 Form F16 F16", 4),
        [("章节 1", 4), ("章节 2", 5)],
    ]


def test_a_landscape_paper_stays_so_and_its_foot_is_on_the_sheet(parts: list[Part]) -> None:
    with pikepdf.open(io.BytesIO(bundle(parts, "zh"))) as pack:
        sizes = [tuple(round(float(side)) for side in page.mediabox[2:]) for page in pack.pages]
    assert sizes == [(595, 842)] * 3 + [(842, 595)] + [(595, 842)] * 2


def test_a_pack_has_the_same_bytes_again_and_leaves_the_parts_alone(parts: list[Part]) -> None:
    before = [part.pdf for part in parts]
    assert bundle(parts, "both") == bundle(parts, "both")
    assert [part.pdf for part in parts] == before


def test_no_papers_or_no_pdf_is_refused(parts: list[Part]) -> None:
    with pytest.raises(PaperError):
        bundle([], "zh")
    with pytest.raises(PaperError, match="F99"):
        bundle([*parts, Part(b"not a pdf", "F99", "坏", "Bad")], "zh")
