"""Fields without code on papers: as values of an estate's own templates, in the paper's language, with samples."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.core.access.actor import acting, current_actor
from app.core.fields.models import FieldKind
from app.core.fields.services import add_field, archive_field, change_field, set_values
from app.core.papers import services as papers
from app.core.papers.added import codes_used, field_texts, fields_on, with_samples
from app.core.papers.editing.in_force import delivered_texts, own, template_in_force
from app.core.papers.editing.services import publish
from app.core.papers.editing.trial import problems
from app.core.papers.renderer import RenderFailed
from app.core.papers.template import load_paper
from app.core.registry import registry
from app.core.workflow.table import Blocked
from tests.movein.factories import new_case

METERING = [{"code": "three", "title_zh": "三相", "title_en": "Three phases"}]
LINE = (
    '<p class="added">{{ fields.power }}|{{ fields.price }}|{{ fields.wired_on }}|{{ fields.metering }}|{{ fields.solar }}'
    "|{{ fields.hint }}{% if fields.gone %}!{% endif %}|{{ fields.club }}</p>"
)


@pytest.fixture
def fields(session: Any) -> dict[str, Any]:
    def add(record_type: str, code: str, kind: FieldKind, **more: Any) -> Any:
        values = {
            "record_type": record_type,
            "code": code,
            "kind": kind,
            "title_zh": f"题{code}",
            "title_en": code,
            **more,
        }
        return add_field(session, values, actor=current_actor())

    found = {
        "power": add("unit", "power", FieldKind.NUMBER, places=1),
        "price": add("unit", "price", FieldKind.MONEY),
        "wired_on": add("unit", "wired_on", FieldKind.DATE),
        "metering": add("movein_case", "metering", FieldKind.CHOICE, choices=METERING),
        "solar": add("movein_case", "solar", FieldKind.YES_NO),
        "hint": add("movein_case", "hint", FieldKind.TEXT),
        "gone": add("unit", "gone", FieldKind.TEXT),
        "club": add("person", "club", FieldKind.TEXT),
    }
    archive_field(session, found["gone"], reason="Not needed", actor=current_actor())
    return found


@pytest.fixture
def case(session: Any, fields: Any) -> Any:
    case = new_case(session)
    actor = current_actor()
    values = {"power": Decimal("1250.5"), "price": Decimal(99), "wired_on": date(2026, 3, 1)}
    set_values(session, case.unit, values, actor=actor)
    set_values(session, case, {"metering": "three", "solar": True}, actor=actor)
    set_values(session, case.owner, {"club": "<A-7>"}, actor=actor)
    return case


@pytest.fixture
def kind() -> Any:
    return registry().papers["F16"]


def with_line(kind: Any, line: str = LINE) -> tuple[str, str]:
    """The delivered texts with a further line at the end of the sheet."""
    html, css = delivered_texts(load_paper(kind.folder))
    head, end, tail = html.rpartition("{% endblock")
    return f"{head}{line}\n{end}{tail}", css


def written(html: str) -> str:
    return html.partition('<p class="added">')[2].partition("</p>")[0]


def test_a_template_prints_the_fields_of_record_unit_and_person(session: Any, case: Any, kind: Any) -> None:
    template = own(load_paper(kind.folder), *with_line(kind))
    said = {}
    for language in ("zh", "en", "both"):
        context = papers.draft_context(session, kind, case, template, language=language, actor=current_actor())
        said[language] = written(template.html(context))
    assert said["zh"] == "1,250.5|¥99.00|2026-03-01|三相|是||&lt;A-7&gt;"
    assert said["en"] == "1,250.5|¥99.00|2026-03-01|Three phases|Yes||&lt;A-7&gt;"
    assert said["both"].split("|")[3] == '三相 <span class="en">Three phases</span>'


def test_delivered_forms_use_none_and_ask_for_none(session: Any, case: Any, kind: Any, sql_count: Any) -> None:
    template = load_paper(kind.folder)
    assert codes_used(template) == frozenset()
    sql_count.reset()
    assert field_texts(kind, case, template) == ()
    assert sql_count.statements == []


def test_a_paper_is_overtaken_when_a_value_on_it_changes(session: Any, case: Any, kind: Any, fields: Any) -> None:
    actor = current_actor()
    publish(session, kind, template=with_line(kind)[0], style=with_line(kind)[1], note="Fields", actor=actor)
    paper = papers.issue(session, kind, case, language="en", actor=actor)
    assert papers.current_paper(session, kind, case, "en") is paper
    set_values(session, case.unit, {"power": Decimal(7)}, actor=actor)
    assert papers.current_paper(session, kind, case, "en") is None


def test_an_archived_field_prints_nothing_and_a_printed_paper_stays(
    session: Any, case: Any, kind: Any, fields: Any
) -> None:
    template = own(load_paper(kind.folder), *with_line(kind))
    archive_field(session, fields["power"], reason="Not needed", actor=current_actor())
    context = papers.draft_context(session, kind, case, template, language="zh", actor=current_actor())
    assert written(template.html(context)).startswith("|¥99.00|")
    assert "power" not in {f.code for f in fields_on(kind, 1) if not f.archived}


def test_the_check_before_publishing_knows_the_fields(session: Any, case: Any, kind: Any) -> None:
    good = with_samples(own(load_paper(kind.folder), *with_line(kind)), kind, 1)
    assert problems(good) == []
    bad = with_samples(own(load_paper(kind.folder), *with_line(kind, "<p>{{ fields.pwoer }}</p>")), kind, 1)
    assert any("pwoer" in sentence for sentence in problems(bad))
    with pytest.raises(Blocked, match="pwoer"):
        html, css = with_line(kind, "<p>{{ fields.pwoer }}</p>")
        publish(session, kind, template=html, style=css, note="Fields", actor=current_actor())


def test_samples_have_a_value_of_every_kind(session: Any, fields: Any, kind: Any) -> None:
    template = with_samples(own(load_paper(kind.folder), *with_line(kind)), kind, 1)
    said = written(template.html(template.samples("en")["typical"]))
    assert said == "1,234.6|¥1,234.56|2026-01-15|Three phases|Yes|Sample text|Sample text"


def test_who_does_not_see_a_field_does_not_print_it(
    session: Any, case: Any, kind: Any, fields: Any, actor_of: Any
) -> None:
    change_field(session, fields["price"], {"read_roles": ["manager"]}, actor=current_actor())
    publish(session, kind, template=with_line(kind)[0], style=with_line(kind)[1], note="Fields", actor=current_actor())
    with acting(actor_of("receptionist")) as clerk:
        with pytest.raises(RenderFailed, match="price"):
            papers.issue(session, kind, case, language="zh", actor=clerk)
        with pytest.raises(RenderFailed, match="price"):
            papers.preview(session, kind, case, language="zh", actor=clerk)
    with acting(actor_of("manager")) as manager:
        assert template_in_force(session, kind, 1).edited
        assert papers.preview(session, kind, case, language="zh", actor=manager).startswith(b"%PDF")


def test_the_editor_lists_the_fields_with_examples(session: Any, fields: Any, client_of: Any) -> None:
    page = client_of("manager").get("/settings/paper-templates/F16").get_data(as_text=True)
    assert "fields.power" in page
    assert "Added fields" in page
    assert "1,234.6" in page
    assert "fields.gone" not in page
