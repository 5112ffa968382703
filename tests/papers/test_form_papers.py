"""Every form paper prints all it was given, on the expected pages, with nothing cut, overlapping or without a glyph."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from babel.dates import format_date

from app.core.papers.base.context import Bilingual
from app.core.papers.render import PaperError
from app.core.papers.template import PaperTemplate, load_paper

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("laid_out_once")]

MODULES = Path(__file__).resolve().parents[2] / "app" / "modules"

Box = tuple[float, float, float, float]

# Pages of the samples in both languages: typical, longest.
PAGES = {
    "movein/papers/unit_inspection": (3, 6),
    "movein/papers/owner_registration": (2, 3),
    "movein/papers/inspection_signoff": (1, 2),
    "movein/papers/document_receipt": (1, 2),
    "movein/papers/key_receipt": (1, 2),
    "movein/papers/entrusted_service": (1, 2),
    "movein/papers/movein_notice": (1, 2),
    "movein/papers/procedure_slip": (1, 2),
    "checks/papers/rectification_notice": (1, 2),
    "checks/papers/capa_notice": (2, 3),
    "checks/papers/spot_check": (2, 2),
    "fees/papers/movein_fee_record": (1, 4),
    "fees/papers/payment_notice": (1, 3),
    "fees/papers/receipt": (1, 2),
    "duties/papers/duty_report": (1, 3),
    "goods/papers/goods_release": (1, 2),
    "renovation/papers/application": (2, 3),
    "renovation/papers/permit": (1, 2),
    "renovation/papers/workers": (1, 3),
    "renovation/papers/temporary_passes": (2, 4),
    "renovation/papers/pass_register": (1, 4),
    "renovation/papers/worker_record": (1, 3),
    "renovation/papers/prohibited_acts": (1, 2),
    "renovation/papers/monthly_report": (2, 6),
    "renovation/papers/completion": (1, 2),
    "renovation/papers/deposit_refund": (1, 2),
    "renovation/papers/permit_file": (1, 3),
    "renovation/papers/management_log": (1, 2),
    "renovation/papers/management_day": (1, 6),
    "renovation/papers/violation_notice": (1, 2),
}
BOTH = [(folder, sample, "both") for folder in PAGES for sample in ("typical", "longest")]
SINGLE = [
    ("movein/papers/unit_inspection", "typical", "en"),
    ("movein/papers/owner_registration", "longest", "en"),
    ("movein/papers/movein_notice", "longest", "zh"),
    ("movein/papers/movein_notice", "longest", "en"),
    ("movein/papers/key_receipt", "typical", "en"),
    ("fees/papers/movein_fee_record", "longest", "zh"),
    ("fees/papers/receipt", "typical", "en"),
    ("fees/papers/payment_notice", "typical", "zh"),
    ("goods/papers/goods_release", "longest", "zh"),
    ("goods/papers/goods_release", "typical", "en"),
]
PRINTED = BOTH + SINGLE + [("fees/papers/receipt", "reversal", "both")]


def paper(folder: str) -> PaperTemplate:
    return load_paper(MODULES / folder)


@cache
def sample_of(folder: str, sample: str, language: str) -> Any:
    return paper(folder).samples(language)[sample]


@cache
def printed(folder: str, sample: str, language: str) -> bytes:
    return paper(folder).render(sample_of(folder, sample, language))


@cache
def pages_of(folder: str, sample: str, language: str) -> list[str]:
    """The text of each page, squeezed. PDFium writes U+FFFE for a hyphen at the end of a line."""
    pdf = pypdfium2.PdfDocument(printed(folder, sample, language))
    return [squeezed(page.get_textpage().get_text_range().replace("\ufffe", "-")) for page in pdf]


def text_of(folder: str, sample: str, language: str) -> str:
    return "".join(pages_of(folder, sample, language))


def squeezed(text: str) -> str:
    """Without white space (lines break anywhere in a cell), apostrophes alike."""
    return re.sub(r"\s", "", text).replace("’", "'")


def values(value: Any, language: str) -> Iterator[str]:
    """Every text and title in a context, as the paper of that language writes it."""
    if isinstance(value, Bilingual):
        if language != "en":
            yield value.zh
        if language != "zh":
            yield value.en or value.zh
    elif isinstance(value, tuple):
        for item in value:
            yield from values(item, language)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            # Typed as a choice: printed as a ticked title, not as its code.
            if "Literal" not in str(field.type) and field.name not in ("results", "header", "image"):
                yield from values(getattr(value, field.name), language)
    elif isinstance(value, str) and value and not value.startswith("https://"):
        yield value


def header_values(header: Any, language: str) -> Iterator[str]:
    yield from (header.number, header.unit_code, header.issued_by, header.verify_code, header.form_no, header.revision)
    if language != "en":
        yield from (header.title_zh, header.estate_name_zh, header.company)
    if language != "zh":
        yield from (header.title_en, header.estate_name_en, header.company_en)


@pytest.mark.parametrize(("folder", "sample", "language"), PRINTED)
def test_all_values_are_on_the_paper(folder: str, sample: str, language: str) -> None:
    context = sample_of(folder, sample, language)
    text = text_of(folder, sample, language)
    expected = [*values(context, language), *header_values(context.header, language)]
    assert len(expected) > 15
    for value in expected:
        assert squeezed(value) in text, value
    for day in dates(context):
        spellings = {str(day)[:16], f"{day.year}年{day.month}月{day.day}日", format_date(day, "d MMMM y", locale="en")}
        assert any(squeezed(spelling) in text for spelling in spellings), day


def dates(value: Any) -> Iterator[date]:
    if isinstance(value, date):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from dates(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from dates(getattr(value, field.name))


@pytest.mark.parametrize(("folder", "sample", "language"), BOTH)
def test_pages_are_as_expected(folder: str, sample: str, language: str) -> None:
    pages = pages_of(folder, sample, language)
    assert len(pages) == PAGES[folder][sample == "longest"]
    for number, text in enumerate(pages, 1):
        assert f"第{number}页/共{len(pages)}页" in text and f"Page{number}of{len(pages)}" in text


@pytest.mark.parametrize(("folder", "sample", "language"), PRINTED)
def test_only_our_embedded_fonts_are_used(folder: str, sample: str, language: str) -> None:
    with pikepdf.open(io.BytesIO(printed(folder, sample, language))) as pdf:
        fonts = [
            item
            for item in pdf.objects
            if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/FontDescriptor"
        ]
        names = {str(font.FontName).split("+")[-1] for font in fonts}
        assert all("/FontFile2" in font for font in fonts)
    assert names, "no font at all"
    assert all(name.startswith(("Doc-Sans", "DocSans")) for name in names), names
    if sample == "longest" and language != "en":
        assert {"喆", "堃", "镕"} <= set(text_of(folder, sample, language))


@pytest.mark.parametrize(("folder", "sample", "language"), PRINTED)
def test_nothing_is_cut_or_overlaps(folder: str, sample: str, language: str) -> None:
    pdf = pypdfium2.PdfDocument(printed(folder, sample, language))
    for number, page in enumerate(pdf, 1):
        width, height = page.get_size()
        glyphs = page.get_textpage()
        placed: dict[tuple[int, int], list[Box]] = {}
        last = None
        for box in (glyphs.get_charbox(index) for index in range(glyphs.count_chars())):
            left, bottom, right, top = box
            if right - left < 0.5 or top - bottom < 0.5 or box == last:  # spaces; the letters of a ligature
                continue
            last = box
            assert left > 14 < bottom and right < width - 14 and top < height - 14, f"page {number}: off the sheet"
            column, row = int(left // 20), int(bottom // 20)
            for near in ((column + x, row + y) for x in (-1, 0, 1) for y in (-1, 0, 1)):
                for other in placed.get(near, ()):
                    assert not overlap(box, other), f"page {number}: {glyphs.get_text_bounded(*other)!r} is overwritten"
            placed.setdefault((column, row), []).append(box)


def overlap(one: Box, other: Box) -> bool:
    """Whether two glyphs share more than a point in both directions (kerning and accents share less)."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    return across > 1 and min(one[3], other[3]) - max(one[1], other[1]) > 1


@pytest.mark.parametrize("folder", PAGES)
def test_one_language_leaves_the_other_out(folder: str) -> None:
    template = paper(folder)
    zh, en = (template.html(template.samples(language)["typical"]) for language in ("zh", "en"))
    assert template.info.title_zh in zh and template.info.title_en not in zh
    assert template.info.title_en in en and template.info.title_zh not in en
    assert 'lang="zh-CN"' in zh and '<html lang="en">' in en
    assert 'class="en' not in zh.replace('<body class="en', "")


@pytest.mark.parametrize("folder", PAGES)
def test_preview_is_watermarked_and_proves_nothing(folder: str) -> None:
    template = paper(folder)
    context = template.samples()["typical"]
    header = dataclasses.replace(context.header, draft=True, number="", verify_code="", verify_url="")
    html = template.html(dataclasses.replace(context, header=header))
    assert "未签发 not issued" in html
    assert 'class="qr" src' not in html
    assert "未签发" not in template.html(context)


def test_templates_have_a_version_of_their_own() -> None:
    versions = {paper(folder).template_version for folder in PAGES}
    assert len(versions) == len(PAGES)
    assert all(re.fullmatch(r"[0-9a-f]{12}", version) for version in versions)


@pytest.mark.clause("MI-06")
def test_receipt_has_the_amount_in_figures_and_words_of_both_languages() -> None:
    text = text_of("fees/papers/receipt", "typical", "both")
    assert "¥1,108.22" in text
    assert "人民币壹仟壹佰零捌元贰角贰分" in text
    assert "OneThousandOneHundredandEightYuanandTwenty-TwoFen" in text


@pytest.mark.clause("MI-06")
def test_reversal_is_negative_and_names_the_receipt_it_reverses() -> None:
    text = text_of("fees/papers/receipt", "reversal", "both")
    assert "红字冲销" in text and "RCPT-2026-000123" in text and "-¥30.00" in text
    with pytest.raises(ValueError):
        dataclasses.replace(sample_of("fees/papers/receipt", "reversal", "both"), reverses="")


def test_void_receipt_says_so_across_the_sheet() -> None:
    template = paper("fees/papers/receipt")
    html = template.html(template.samples()["void"])
    assert "作废 VOID" in html and "房号填写错误" in html


@pytest.mark.clause("MI-06")
def test_fee_record_adds_up() -> None:
    context = sample_of("fees/papers/movein_fee_record", "typical", "both")
    assert context.receivable == context.received == Decimal("3708.22")
    assert "¥3,708.22" in text_of("fees/papers/movein_fee_record", "typical", "both")


@pytest.mark.clause("MI-10")
def test_acceptance_form_has_the_meter_base_readings() -> None:
    text = text_of("movein/papers/unit_inspection", "longest", "both")
    assert "123,456,789.123m³" in text and "SRX-2026-0815023-LONGEST-0001" in text


@pytest.mark.clause("MI-11")
def test_acceptance_form_counts_checks_and_failures() -> None:
    context = sample_of("movein/papers/unit_inspection", "typical", "both")
    assert (context.checked, context.failed) == (178, 3)
    text = text_of("movein/papers/unit_inspection", "typical", "both")
    assert text.count("×") == context.failed + 3, "two legends and one measure besides the failed checks"
    with pytest.raises(ValueError):
        dataclasses.replace(context, spaces=context.spaces[1:])


@pytest.mark.clause("MI-11")
def test_unknown_conclusion_is_refused() -> None:
    template = paper("movein/papers/inspection_signoff")
    context = template.samples()["typical"]
    with pytest.raises(PaperError, match="perhaps"):
        template.html(dataclasses.replace(context, conclusion="perhaps"))


@pytest.mark.clause("MI-11")
def test_key_receipt_totals_keys_and_deposits() -> None:
    context = sample_of("movein/papers/key_receipt", "typical", "both")
    assert (context.quantity, context.deposit) == (16, Decimal("120.30"))
    assert "壹佰贰拾元零叁角" in text_of("movein/papers/key_receipt", "typical", "both")


@pytest.mark.clause("MI-09")
def test_entrusted_services_say_that_collection_is_free() -> None:
    text = text_of("movein/papers/entrusted_service", "typical", "both")
    assert "第四十四条" in text and "nohandlingfee" in text


@pytest.mark.clause("MI-08")
def test_document_receipt_lists_the_nine_documents_to_hand_out() -> None:
    text = text_of("movein/papers/document_receipt", "typical", "both")
    titles = (
        "房屋验收单 业主临时管理规约 住宅装修管理协议 业主手册 入住须知 管理费收缴协议 防火责任书 住宅质量保证书 "
        "住宅使用说明书"
    ).split()
    assert [title for title in titles if title not in text] == []
