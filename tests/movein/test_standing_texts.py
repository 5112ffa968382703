"""Standing texts F02–F09: what the seeds say, how they are filled in, edited and printed."""

from __future__ import annotations

import copy
import dataclasses
import io
import re
from pathlib import Path

import pikepdf
import pytest

from app.core.papers.base.context import Bilingual, Signature
from app.core.papers.template import load_paper
from app.modules.movein import standing
from app.modules.movein.papers.standing_text.context import (
    Context,
    chinese_number,
    header_values,
    signature_blocks,
)

SEEDS = Path(standing.__file__).parent / "seeds" / "standing_texts"
PAPER = Path(standing.__file__).parent / "papers" / "standing_text"
TEXTS = {path.stem: standing.load(path) for path in sorted(SEEDS.glob("*.yaml"))}
PRIVACY = standing.load(Path(standing.__file__).parents[1] / "people" / "seeds" / "privacy_notice.yaml")
EVERY = pytest.mark.parametrize("text", [*TEXTS.values(), PRIVACY], ids=lambda text: text.code)


def pieces(text: standing.StandingText) -> list[Bilingual]:
    """All that is printed, piece by piece."""
    found = [text.title, text.intro, text.closing, *(signer.role for signer in text.signatures)]
    for section in text.sections:
        found += [section.heading, *section.paragraphs]
        if section.table:
            found += [*section.table.columns, *(cell for row in section.table.rows for cell in row)]
    return found


def words(text: standing.StandingText, language: str) -> str:
    return "\n".join(getattr(piece, language) for piece in pieces(text))


@pytest.fixture
def edited() -> dict:
    """A seed text as the editor sends it back."""
    return copy.deepcopy(dataclasses.asdict(TEXTS["fire_undertaking"]))


@pytest.mark.clause("MI-01")
def test_the_eight_standing_texts_are_there_under_their_form_numbers() -> None:
    assert {text.form_no: text.code for text in TEXTS.values()} == {
        "F02": "interim_covenant",
        "F03": "renovation_agreement",
        "F04": "owner_handbook",
        "F05": "movein_instructions",
        "F06": "payment_agreement",
        "F07": "fire_undertaking",
        "F08": "quality_guarantee",
        "F09": "user_manual",
    }
    assert all(stem == text.code for stem, text in TEXTS.items())


@EVERY
def test_both_languages_are_written_and_not_mixed_up(text: standing.StandingText) -> None:
    for piece in pieces(text):
        assert not re.search(r"[一-鿿，。；：（）]", piece.en), piece.en
        prose = re.sub(r"\{\{.*?\}\}", "", piece.zh)
        assert re.search(r"[一-鿿]", prose) or piece.zh == piece.en, piece.zh
        assert ("{{" in piece.zh) == ("{{" in piece.en), piece


@EVERY
def test_each_placeholder_stands_in_both_languages(text: standing.StandingText) -> None:
    for piece in pieces(text):
        names = [sorted(re.findall(r"\{\{ (\w+) \}\}", side)) for side in (piece.zh, piece.en)]
        assert names[0] == names[1], piece


@EVERY
def test_nobody_is_threatened_with_a_fine(text: standing.StandingText) -> None:
    assert not re.search("罚款|罚金|滞纳金|处罚", words(text, "zh"))
    assert not re.search(r"\b(fines?|fined|penalt(y|ies))\b", words(text, "en"), re.IGNORECASE)


@EVERY
def test_utilities_are_only_spoken_of_as_never_cut_off(text: standing.StandingText) -> None:
    for piece in pieces(text):
        if re.search("停止供|停水|停电|断水|断电|限制门禁", piece.zh):
            assert "不得" in piece.zh
        if re.search(r"cut off|disconnect|restrict access", piece.en):
            assert "shall not" in piece.en


@EVERY
def test_house_terms_are_used(text: standing.StandingText) -> None:
    english = words(text, "en").lower()
    for avoided in (
        "realty",
        "proprietor",
        "butler",
        "rough house",
        "construction unit",
        "decoration permit",
        "center",
    ):
        assert avoided not in english


def test_payment_agreement_rules_out_cutting_off_utilities_and_handling_fees() -> None:
    text = words(TEXTS["payment_agreement"], "zh")
    assert "不得采取停止供水、供电、供热、供燃气" in text
    assert "不向乙方收取手续费" in text
    assert "不以预交物业服务费作为交付钥匙的条件" in text


@pytest.mark.clause("MI-07")
def test_renovation_agreement_has_the_nine_contents_of_decree_110_article_16() -> None:
    headings = [section.heading.zh for section in TEXTS["renovation_agreement"].sections]
    wanted = (
        "实施内容 实施期限 施工的时间 废弃物 外立面设施及防盗窗 禁止行为和注意事项 管理服务费用 违约责任 其他".split()
    )
    assert len(headings) == len(wanted)
    assert all(part in heading for part, heading in zip(wanted, headings, strict=True))
    prohibited = next(s for s in TEXTS["renovation_agreement"].sections if "禁止行为" in s.heading.zh)
    said = "".join(p.zh for p in prohibited.paragraphs)
    assert all(f"第{article}条" in said for article in "五六七八九")


def test_quality_guarantee_shows_at_least_the_legal_periods() -> None:
    table = next(section.table for section in TEXTS["quality_guarantee"].sections if section.table)
    periods = {row[0].zh: row[1].zh for row in table.rows}
    assert periods["屋面防水"] == "5年"
    assert periods["有防水要求的厨房、卫生间、房间和外墙面的防渗漏"] == "5年"
    assert periods["供热和供冷系统"] == "2个采暖期、供冷期"
    assert periods["电气管线、给排水管道、设备安装"] == "2年"
    assert periods["管道堵塞"] == "2个月"
    assert periods["灯具、电器开关"] == "6个月"


def test_handbook_promises_the_published_times() -> None:
    for language, promises in {
        "zh": ["周一至周五 08:30–18:00", "周六、周日 09:00–17:00", "72小时以内", "完工后2日", "完工后3日", "完工后7日"],
        "en": ["Mon-Fri 08:30-18:00", "Sat-Sun 09:00-17:00", "72 hours", "Within 2 days", "Within 3 days", "Within 7"],
    }.items():
        said = words(TEXTS["owner_handbook"], language)
        assert all(promise in said for promise in promises)


def test_fill_puts_values_in_per_language_and_leaves_lines_for_missing_ones() -> None:
    text = standing.fill(
        TEXTS["fire_undertaking"],
        {"owner_name": "张三 {{ today }}", "estate_name": Bilingual("云栖花园", "Yunqi Garden"), "unit_code": ""},
    )
    assert "云栖花园" in text.intro.zh and "Yunqi Garden" in text.intro.en
    assert "张三 {{ today }}" in text.intro.en, "a value is never read as a placeholder"
    assert f"房屋{standing.BLANK}的业主" in text.intro.zh
    assert "______年____月____日" in text.closing.zh and "{{" not in text.closing.en


def test_fill_refuses_a_name_that_is_no_placeholder() -> None:
    with pytest.raises(ValueError, match="id_number"):
        standing.fill(TEXTS["fire_undertaking"], {"id_number": "x"})


def test_an_untouched_edit_gives_the_same_text(edited: dict) -> None:
    assert standing.from_edit(edited) == TEXTS["fire_undertaking"]


def test_an_edit_is_reduced_to_plain_text(edited: dict) -> None:
    edited["intro"]["en"] = "<p style='x'>Area\u202e < 90 m²,</p>\n <script>rule</script>\x00 5 > 3 {{ owner_name }}"
    assert standing.from_edit(edited).intro.en == "Area < 90 m², rule 5 > 3 {{ owner_name }}"


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        ("intro", {"zh": "文", "en": " <b></b> "}, "opening has no text in English"),
        ("intro", {"zh": "文"}, "opening has no text in English"),
        ("intro", "text", "needs a Chinese and an English text"),
        ("title", {"zh": "文", "en": "x" * 121}, "title is longer than 120"),
        ("closing", {"zh": "{{ id_no }}", "en": "x"}, "closing uses an unknown placeholder: id_no"),
        ("closing", {"zh": "{{ owner_name", "en": "x"}, "unmatched"),
        ("closing", {"zh": "{% for %}", "en": "x"}, "unmatched"),
        ("closing", {"zh": "{{ owner_name.__class__ }}", "en": "x"}, "unmatched"),
        ("sections", [], "sections: nothing is there"),
        ("sections", [{}] * 41, "sections: there are more than 40"),
        ("sections", [{"heading": {"zh": "一", "en": "a"}, "paragraphs": []}], "section 1: nothing is there"),
        ("signatures", [{"party": "bank", "role": {"zh": "一", "en": "a"}}], "signature 1: the party"),
        ("code", "", "code is missing"),
    ],
)
def test_a_bad_edit_is_refused_with_the_place(edited: dict, place: str, value: object, sentence: str) -> None:
    edited[place] = value
    with pytest.raises(ValueError, match=re.escape(sentence)):
        standing.from_edit(edited)


def test_tables_are_capped_and_rectangular(edited: dict) -> None:
    cell = {"zh": "一", "en": "a"}
    edited["sections"][0]["table"] = {"columns": [cell, cell], "rows": [[cell]]}
    with pytest.raises(ValueError, match="section 1, table, row 1 has 1 cells for 2 columns"):
        standing.from_edit(edited)
    edited["sections"][0]["table"] = {"columns": [cell], "rows": [[cell]] * 61}
    with pytest.raises(ValueError, match="more than 60"):
        standing.from_edit(edited)


def test_headings_count_in_chinese() -> None:
    assert [chinese_number(n) for n in (1, 9, 10, 11, 20, 40)] == ["一", "九", "十", "十一", "二十", "四十"]


def test_signatures_known_by_party_stand_under_the_role_of_the_text() -> None:
    owner = Signature(role=Bilingual("x"), name="张三")
    blocks = signature_blocks(TEXTS["interim_covenant"], {"owner": owner})
    assert [(block.role.zh, block.name, block.stamp) for block in blocks] == [
        ("承诺人（业主）", "张三", False),
        ("建设单位", "", True),
        ("物业服务中心", "", True),
    ]


@pytest.mark.clause("MI-01")
@EVERY
def test_each_text_prints_at_a_sensible_length_with_its_own_title(text: standing.StandingText) -> None:
    paper = load_paper(PAPER)
    filled = standing.fill(text, {})
    header = dataclasses.replace(paper.samples()["typical"].header, **header_values(filled))
    pdf = paper.render(Context(header=header, text=filled, signatures=signature_blocks(filled)))
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert 2 <= len(document.pages) <= 3
        assert text.title.zh in str(document.docinfo["/Title"])


def test_clauses_are_numbered_and_markup_in_a_value_stays_text() -> None:
    paper = load_paper(PAPER)
    filled = standing.fill(TEXTS["interim_covenant"], {"owner_name": "<b>张三</b>"})
    sample = paper.samples("zh")["typical"]
    html = paper.html(Context(header=sample.header, text=filled, signatures=signature_blocks(filled)))
    assert "一、总则" in html and ">2.7</span>" in html
    assert "&lt;b&gt;张三" in html and "General" not in html
    assert "<h2>业主承诺书</h2>" in html, "the commitment stands outside the numbers"
