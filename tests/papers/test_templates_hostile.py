"""What may not stand in a template, and values that it may not hide; each told in a sentence that names it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.papers.editing import in_force
from app.core.papers.editing.source import faults
from app.core.papers.editing.trial import problems
from app.core.papers.editing.values import name_of, values_of
from app.core.papers.render import PaperError
from app.core.papers.template import environment_of, load_paper

FOLDER = Path(__file__).parents[2] / "app" / "modules" / "movein" / "papers" / "key_receipt"
TEMPLATE, STYLE = in_force.delivered_texts(load_paper(FOLDER))


@pytest.fixture(autouse=True)
def _english(app: Any) -> Iterator[None]:
    with app.test_request_context():
        yield


def found(template: str = TEMPLATE, style: str = STYLE) -> list[str]:
    return [str(fault) for fault in faults(environment_of(FOLDER), template, style)]


def line(text: str) -> str:
    """The delivered template with ``text`` as its fourth line."""
    return TEMPLATE.replace("{% block body %}\n", "{% block body %}\n" + text + "\n", 1)


HOSTILE = [
    ("<script>alert(1)</script>", "<script>"),
    ("<SCRIPT>alert(1)</SCRIPT>", "No tag"),
    ('<p style="position:fixed">x</p>', "attribute style"),
    ('<p onclick="x()">x</p>', "attribute onclick"),
    ('<svg width="10"></svg>', "<svg>"),
    ('<img src="https://example.org/x.png" alt="">', "never from an address"),
    ('<img src="file:///etc/passwd" alt="">', "never from an address"),
    ('<img src="data:image/svg+xml;base64,AAAA" alt="">', "never from an address"),
    ('<iframe src="x"></iframe>', "<iframe>"),
    ('<a href="https://example.org">x</a>', "<a>"),
    ('<td colspan="1000000">x</td>', "from 1 to 24"),
    ("<p title='x\"y'>x</p>", "No tag"),
    ("<p class=x{{ c.recipient }}>x</p>", "No tag"),
    ("<p {{ c.recipient }}>x</p>", "No tag"),
    ("<{{ c.recipient }}>x", "No tag"),
    ("<s{% if true %}vg{% endif %}>x", "<svg>"),
    ("<!--><svg>-->", "Comments"),
    ("<![CDATA[<svg>]]>", "No tag"),
    ("{% raw %}<script>{% endraw %}", "<script>"),
    ("{% set x %}<script>{% endset %}{{ x }}", "<script>"),
    ("{{ c.__class__ }}", "__class__"),
    ('{{ c["__class__"] }}', "__class__"),
    ("{{ ().__class__.__base__.__subclasses__() }}", "__subclasses__"),
    ("{{ c.recipient.upper() }}", "upper"),
    ("{{ os }}", "“os”"),
    ("{{ config }}", "“config”"),
    ("{{ c.recipient | safe }}", "safe"),
    ("{{ c.recipient | attr('x') }}", "attr"),
    ('{% include "../../../config.py" %}', "Only base.html"),
    ('{% import "template.html" as x %}', "Only base.html"),
    ("{% include c.recipient %}", "Only base.html"),
    ("{% autoescape false %}{{ c.recipient }}{% endautoescape %}", "cannot be switched off"),
    ("{% for a in c.keys %}" * 5 + "x" + "{% endfor %}" * 5, "4 deep"),
    ("{% if c.recipient %}", "does not understand"),
    ("{{ c.recipient", "does not understand"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), HOSTILE, ids=[text[:40] for text, _said in HOSTILE])
def test_what_templates_may_not_contain_is_named_with_its_line(text: str, said: str) -> None:
    sentences = found(line(text))
    assert any(said in sentence for sentence in sentences), sentences
    if "does not understand" not in said:
        assert any("line 4" in sentence for sentence in sentences), sentences


STYLES = [
    ("@import url(https://example.org/x.css);", "@import"),
    ("@font-face { font-family: x; src: url(x) }", "@font-face"),
    ("p { background: url(https://example.org/x.png) }", "url()"),
    ('p { background: url("data:image/png;base64,AAAA") }', "url()"),
    ("p { background: \\75rl(x) }", "url()"),
    ("@page { @top-left { content: url(x) } }", "url()"),
    ("p { display: flex }", "flex"),
    ("p { height: 1000000mm }", "beyond any sheet"),
    ("p { color: }}", "CSS"),
]


@pytest.mark.parametrize(("style", "said"), STYLES, ids=[style[:30] for style, _said in STYLES])
def test_what_style_sheets_may_not_contain_is_named_with_its_line(style: str, said: str) -> None:
    sentences = found(style=f"td {{ color: #000 }}\n{style}")
    assert any(said in sentence and "line 2" in sentence for sentence in sentences), sentences


def test_the_base_cannot_be_left_out() -> None:
    assert any("base.html" in sentence for sentence in found("<p>{{ c.recipient }}</p>"))


def test_markup_put_together_from_pieces_is_not_printed() -> None:
    text = line("{% set m %}<p>{% endset %}{{ m[0] }}svg{{ m[2] }}")
    template = load_paper(FOLDER).edited_as(text, STYLE)
    with pytest.raises(PaperError, match="svg"):
        template.render(template.samples()["typical"])


HIDDEN = [
    ("{{ field(\"领取人\", \"Recipient\", \"recipient\", c.recipient) }}", "", "", "Recipient (recipient)"),
    ("<td>{{ key.kind }}</td>", "<td></td>", "", "keys[].kind"),
    ("{{ signatures(c.signatures) }}", "", "", "signatures"),
    ("", "", ".grid .r { display: none }", "Deposit (keys[].deposit)"),
    ("", "", ".keys { visibility: hidden }", "keys[].number"),
    ("", "", ".keys td { color: #fff }", "keys[].number"),
    ("", "", ".keys td { font-size: 0 }", "keys[].number"),
    ("", "", ".keys { opacity: 0 }", "keys[].number"),
    ("", "", ".keys { position: absolute; left: -900mm }", "keys[].number"),
    ("", "", ".ident { height: 0; overflow: hidden; display: block }", "Paper number"),
    ("", "", "img.qr { display: none }", "verify_url"),
    ("", "", ".mark { display: none }", "Revision"),
    ("", "", "h1 { display: none }", "Title (Chinese)"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "style", "said"), HIDDEN, ids=[h[2] or h[0][:30] for h in HIDDEN])
def test_a_template_that_hides_what_the_delivered_form_prints_is_refused(
    old: str, new: str, style: str, said: str
) -> None:
    assert old in TEMPLATE
    template = load_paper(FOLDER).edited_as(TEMPLATE.replace(old, new) if old else TEMPLATE, f"{STYLE}\n{style}")
    sentences = problems(template)
    assert any(said in sentence for sentence in sentences), sentences


def test_a_template_may_say_it_in_its_own_way() -> None:
    own = TEMPLATE.replace('{{ field("领取人", "Recipient", "recipient", c.recipient) }}',
                           '<th>收件 <b>Taken by</b></th><td>{{ "—" ~ c.recipient }}</td>')  # fmt: skip
    assert own != TEMPLATE
    assert problems(load_paper(FOLDER).edited_as(own, STYLE + "\n.keys td { color: #333 }")) == []


def test_a_template_that_fails_in_one_language_only_is_refused() -> None:
    text = line('{% if language == "en" %}{{ 1 // 0 }}{% endif %}')
    (sentence,) = problems(load_paper(FOLDER).edited_as(text, STYLE))
    assert "English" in sentence and "4" in sentence


def test_values_are_listed_with_the_meaning_that_the_form_gives_them() -> None:
    template = load_paper(FOLDER)
    record, head = ({value.path: value for value in values} for _title, values in values_of(template))
    assert (record["recipient"].written, record["recipient"].meaning) == ("c.recipient", "Recipient")
    assert record["recipient"].required and record["recipient"].example == "张三丰"
    assert record["keys[].deposit"].meaning == "Deposit" and record["keys[].deposit"].written == "row.deposit"
    assert record["conclusion"].kind == "one of: accepted, accepted_with_defects"
    assert head["header.number"].meaning == "Paper number"
    assert name_of("keys[].kind.zh", template) == "Kind of key or card (keys[].kind)"
