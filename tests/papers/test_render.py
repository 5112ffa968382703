"""The paper engine: nothing is read from outside, values are plain, the same input gives the same bytes."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import os
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pikepdf
import pypdf
import pytest
from jinja2.exceptions import SecurityError, TemplateNotFound, UndefinedError
from PIL import Image

from app.core.papers import render, renderer
from app.core.papers.base.context import Bilingual, Header, Signature
from app.core.papers.render import PaperError, PaperMeta, image_uri
from app.core.papers.renderer import RenderFailed, check_printing
from app.core.papers.renderer import render as render_pdf
from app.core.papers.template import PaperInfo, PaperTemplate, build, plain, template_version
from app.core.records.identifiers import InvalidValue

META = PaperMeta(title="验证 Check", number="F01-2026-000001", author="云栖物业", issued_on=date(2026, 11, 21))
OUTSIDE = (
    "file:///etc/passwd",
    "http://127.0.0.1:9/x",
    "https://127.0.0.1:9/x",
    "ftp://127.0.0.1/x",
    "font:../../../config.py",
    "../base/base.css",
)


def text_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def svg_uri(inside: str) -> str:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">'
        f"{inside}</svg>"
    )
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


@pytest.mark.parametrize("address", OUTSIDE[:2])
@pytest.mark.parametrize(
    "html",
    [
        '<img src="{}">',
        '<link rel="stylesheet" href="{}">',
        '<link rel="attachment" href="{}">',
        '<a rel="attachment" href="{}">x</a>',
        '<object data="{}"></object>',
        '<embed src="{}">',
        '<style>@import "{}";</style>',
        "<style>@font-face {{ font-family: x; src: url({}) }} p {{ font-family: x }}</style><p>x</p>",
        '<p style="background: url({})">x</p>',
        '<ul><li style="list-style-image: url({})">x</li></ul>',
        "<style>p::before {{ content: url({}) }}</style><p>x</p>",
    ],
)
def test_no_markup_reads_anything_outside(html: str, address: str) -> None:
    with pytest.raises(PaperError, match="may not read"):
        render_pdf(html.format(address), [], language="zh", meta=META)


@pytest.mark.parametrize("address", OUTSIDE)
def test_no_kind_of_address_is_read(address: str) -> None:
    with pytest.raises(PaperError, match="may not read"):
        render_pdf(f'<img src="{address}">', [], language="zh", meta=META)


@pytest.mark.parametrize("address", OUTSIDE[:2])
@pytest.mark.parametrize("css", ['@import "{}";', "p {{ background: url({}) }}", "@page {{ background: url({}) }}"])
def test_no_style_sheet_reads_anything_outside(css: str, address: str) -> None:
    with pytest.raises(PaperError, match="may not read"):
        render_pdf("<p>x</p>", [css.format(address)], language="zh", meta=META)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "http://127.0.0.1:9/x"])
@pytest.mark.parametrize(
    "inside",
    [
        '<image xlink:href="{}" width="9" height="9"/>',
        "<style>@font-face {{ font-family: x; src: url({}) }}</style><text font-family='x' y='9'>x</text>",
    ],
)
def test_a_picture_in_a_picture_reads_nothing_outside(inside: str, address: str) -> None:
    with pytest.raises(PaperError, match="may not read"):
        render_pdf(f'<img src="{svg_uri(inside.format(address))}">', [], language="zh", meta=META)


def test_pictures_as_data_are_drawn() -> None:
    square = svg_uri('<rect width="9" height="9"/>')
    pdf = render_pdf(f'<img src="{square}">', [], language="zh", meta=META)
    assert pdf.startswith(b"%PDF")


def test_the_same_paper_has_the_same_bytes_in_any_process() -> None:
    program = (
        "import hashlib; from datetime import date\n"
        "from app.core.papers.render import PaperMeta\n"
        "from app.core.papers.renderer import render\n"
        "meta = PaperMeta(title='验证 Check', number='F01-2026-000001', author='云栖物业', issued_on=date(2026, 11, 21))\n"
        "pdf = render('<p>喆堃镕 <b>粗</b> x</p>', ['p { color: red }'], language='both', meta=meta)\n"
        "print(hashlib.sha256(pdf).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "PYTHONHASHSEED": "1"},
    ).stdout.strip()
    pdf = render_pdf("<p>喆堃镕 <b>粗</b> x</p>", ["p { color: red }"], language="both", meta=META)
    assert hashlib.sha256(pdf).hexdigest() == other


def test_the_pdf_says_what_it_is() -> None:
    pdf = render_pdf("<p>正文</p>", [], language="both", meta=META)
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert document.docinfo["/Title"] == "验证 Check"
        assert document.docinfo["/Subject"] == "F01-2026-000001"
        assert document.docinfo["/Author"] == "云栖物业"
        assert str(document.docinfo["/CreationDate"]).startswith("D:20261121")
        assert document.Root.Lang == "zh-CN"
    english = render_pdf("<p>text</p>", [], language="en", meta=META)
    with pikepdf.open(io.BytesIO(english)) as document:
        assert document.Root.Lang == "en"


def test_rare_characters_and_bold_come_from_our_fonts() -> None:
    pdf = render_pdf(
        '<p style="font-family: Doc Sans, Doc Sans Ext">常 喆堃镕𬭎 <b>粗体</b></p>', [], language="zh", meta=META
    )
    assert "常 喆堃镕𬭎 粗体" in text_of(pdf)


def test_unknown_language_and_runaway_papers_are_refused() -> None:
    with pytest.raises(PaperError, match="language"):
        render_pdf("<p>x</p>", [], language="fr", meta=META)
    with pytest.raises(RenderFailed, match="too long"):
        render_pdf("x" * (render.MAX_HTML + 1), [], language="zh", meta=META)


def test_this_machine_can_print(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert check_printing() == []
    monkeypatch.setattr(renderer, "FONT_URLS", {"font:doc-sans-700.ttf": tmp_path / "doc-sans-700.ttf"})
    monkeypatch.setattr(renderer.Renderer, "ask", lambda self, work: (work != "subsetter", b""))
    assert check_printing() == [
        "font file doc-sans-700.ttf is missing",
        "libharfbuzz-subset is not installed (Debian package libharfbuzz-subset0)",
    ]


def png(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("1", (width, height)).save(out, "PNG")
    return out.getvalue()


def test_signature_pictures_are_encoded_anew_and_small() -> None:
    uri = image_uri(png(3000, 2000))
    assert Signature(role=Bilingual("业主", "Owner"), image=uri).image == uri
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as small:
        assert small.format == "PNG" and small.width <= 900 and small.height <= 360


def test_pictures_that_are_none_or_too_large_are_refused() -> None:
    for data in (b"", b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", png(10_000, 10_000)):
        with pytest.raises(InvalidValue):
            image_uri(data)
    with pytest.raises(ValueError):
        Signature(role=Bilingual("业主"), image="https://example.com/s.png")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    amount: Decimal
    at: datetime | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    name: str
    rows: tuple[Row, ...] = ()


class Record:
    """Anything that is not a plain value."""

    secret = "x"


@pytest.fixture
def write_paper(tmp_path: Path):  # type: ignore[no-untyped-def]
    """``write_paper(template)``: a paper with that template and a header of its own."""

    def write(template: str) -> PaperTemplate:
        (tmp_path / "template.html").write_text(template, encoding="utf-8")
        (tmp_path / "style.css").write_text("", encoding="utf-8")
        info = PaperInfo(code="x", form_no="F99", revision="A/0", title_zh="样张", title_en="Sample", series="X")
        return PaperTemplate(tmp_path, info, Context, template_version(tmp_path))

    return write


def context_for(paper: PaperTemplate, language: str = "both", **values: object) -> Context:
    header = paper.header(
        company="云栖物业",
        estate_name_zh="云栖花园",
        estate_name_en="Yunqi Garden",
        issued_on=date(2026, 11, 21),
        issued_by="周敏",
        language=language,
    )
    return Context(**{"header": header, "name": "张三", **values})  # type: ignore[arg-type]


def test_values_are_escaped(write_paper) -> None:  # type: ignore[no-untyped-def]
    paper = write_paper('{% extends "base.html" %}{% block body %}<p>{{ c.name }}</p>{% endblock %}')
    context = context_for(paper, name='<img src="file:///etc/passwd"><style>p{}</style>\x0b')
    assert "&lt;img src=&#34;file:///etc/passwd&#34;&gt;" in paper.html(context)
    assert "\x0b" not in paper.html(context)
    assert '<img src="file:///etc/passwd"><style>' in text_of(paper.render(context)).replace("\n", "")


@pytest.mark.parametrize(
    "expression",
    ["c.__class__.__mro__", "c.name.__class__", "''.__class__.__base__.__subclasses__()", "self.__init__.__globals__"],
)
def test_templates_cannot_reach_python(write_paper, expression: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises((SecurityError, UndefinedError)):
        paper = write_paper("{{ " + expression + " }}")
        paper.html(context_for(paper))


def test_a_name_that_the_context_has_not_is_an_error(write_paper) -> None:  # type: ignore[no-untyped-def]
    paper = write_paper("{{ c.owner }}")
    with pytest.raises(UndefinedError):
        paper.html(context_for(paper))


def test_templates_load_nothing_but_their_folder_and_the_base(write_paper) -> None:  # type: ignore[no-untyped-def]
    paper = write_paper('{% include "../render.py" %}')
    with pytest.raises(TemplateNotFound):
        paper.html(context_for(paper))


@pytest.mark.parametrize(
    ("language", "printed"),
    [
        ("zh", "2026-11-21 · 2026年11月21日 · ¥1,409.50 · 89.32 m² · 是 · 人民币壹仟肆佰零玖元伍角整 · 业主 · 甲"),
        ("en", "2026-11-21 · 21 November 2026 · ¥1,409.50 · 89.32 m² · Yes · RMB One Thousand Four Hundred and Nine "
               "Yuan and Fifty Fen · Owner · 甲"),
    ],
)  # fmt: skip
def test_each_type_prints_in_the_paper_s_language(write_paper, language: str, printed: str) -> None:  # type: ignore[no-untyped-def]
    paper = write_paper(
        '{% from "macros.html" import t, in_words with context %}'
        "{{ header.issued_on }} · {{ header.issued_on | date_zh if language == 'zh' else header.issued_on | date_en }} · "
        "{{ c.rows[0].amount | money }} · {{ c.rows[1].amount | area }} · {{ true }} · {{ in_words(c.rows[0].amount) }} · "
        '{{ t("业主", "Owner") }} · {{ t("甲", "") }}{{ c.rows[0].at }}'
    )
    rows = (Row(amount=Decimal("1409.50")), Row(amount=Decimal("89.32")))
    assert paper.html(context_for(paper, language, rows=rows)).strip() == printed


def test_only_plain_values_reach_a_template(write_paper) -> None:  # type: ignore[no-untyped-def]
    paper = write_paper("{{ c.name }}")
    for name in (Record(), ["a"], {"a": 1}, 1.5, b"x", "长" * 20_001):
        with pytest.raises(PaperError, match=r"context\.name"):
            paper.html(context_for(paper, name=name))
    with pytest.raises(PaperError, match="rows"):
        paper.html(context_for(paper, rows=(Row(amount=Decimal(1)),) * 5_001))


def test_no_paper_shows_a_whole_id_number() -> None:
    number = "11010519491231002X"
    with pytest.raises(PaperError, match="mask"):
        plain(f"证件号码 {number}")
    with pytest.raises(PaperError, match="mask"):
        plain((number.lower(),))
    plain("110105********002X")
    plain("91330106MA2CXXXXX8")
    plain("11010519491231003X")  # no valid check digit, so no ID number


def test_build_reads_annotated_types_and_names_the_place_of_a_fault() -> None:
    header = {
        "company": "x", "estate_name_zh": "x", "estate_name_en": "x", "issued_on": "2026-11-21", "issued_by": "x",
        "form_no": "x", "revision": "x", "title_zh": "x", "title_en": "x",
    }  # fmt: skip
    built = build(Context, {"header": header, "name": "张三", "rows": [{"amount": "1.50", "at": "2026-11-21T08:30"}]})
    assert built.rows == (Row(amount=Decimal("1.50"), at=datetime(2026, 11, 21, 8, 30)),)  # noqa: DTZ001 estate time
    assert built.header.issued_on == date(2026, 11, 21)
    for fault, place in (
        ({"name": 5}, r"context\.name"),
        ({"rows": [{"amount": "many"}]}, r"context\.rows\[0\]\.amount"),
        ({"owner": "x"}, "owner"),
        ({"header": None}, r"context\.header"),
    ):
        with pytest.raises(PaperError, match=place):
            build(Context, {"header": header, "name": "张三", **fault})
    with pytest.raises(PaperError, match="name"):
        build(Context, {"header": header})


def test_the_template_version_follows_the_files(write_paper, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    first = write_paper("a").template_version
    assert write_paper("a").template_version == first
    (tmp_path / "sample.yaml").write_text("typical: {}", encoding="utf-8")
    assert write_paper("a").template_version == first
    assert write_paper("b").template_version != first
