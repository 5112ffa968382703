"""Papers without code: an estate's own templates from draft to issue, its letterhead, who may change them, the log."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from PIL import Image
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor, NotAllowed, acting, system_actor
from app.core.audit.models import AuditEntry
from app.core.papers import services as papers
from app.core.papers.editing import in_force, services
from app.core.papers.editing.models import PaperForm, PaperTemplateVersion
from app.core.papers.editing.trial import problems
from app.core.papers.kind import PaperKind
from app.core.papers.overlay import Filler
from app.core.papers.template import load_paper
from app.core.records.refusals import FieldErrors
from app.core.workflow.table import Blocked
from app.modules.estates.models import Building
from tests.core.conftest import KIND, png

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
PAGE = "/settings/paper-templates"
DELIVERED = in_force.delivered_texts(load_paper(KIND.folder))


@pytest.fixture
def kind(app: Any, monkeypatch: pytest.MonkeyPatch) -> PaperKind:
    registry = app.extensions["guanjia"]
    monkeypatch.setitem(registry.papers, "X1", KIND)
    monkeypatch.setitem(registry.resources, "building", "MoveInCase")
    return KIND


@pytest.fixture
def building(session: Any) -> Building:
    made = Building(estate_id=1, code="K1", name_zh="望江楼")
    session.add(made)
    session.flush()
    return made


@pytest.fixture
def manager(kind: PaperKind, actor_of: Any) -> Actor:
    return actor_of("manager")


def with_line(line: str) -> str:
    """The delivered template with one more line above its body."""
    before, mark, after = DELIVERED[0].partition("{% block body %}\n")
    assert mark
    return f"{before}{mark}{line}\n{after}"


def text_of(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        return "".join(page.get_textpage().get_text_range() for page in document)


def publish(session: Any, kind: PaperKind, actor: Actor, template: str, note: str = "一行提示") -> PaperTemplateVersion:
    return services.publish(session, kind, template=template, style=DELIVERED[1], note=note, actor=actor)


def test_a_published_template_holds_for_new_papers_and_previews_only(
    session: Any, kind: PaperKind, building: Building, manager: Actor
) -> None:
    earlier = papers.issue(session, kind, building, language="both", actor=manager)
    as_it_was = papers.original(earlier)
    services.save_draft(session, kind, template=with_line("<p>请携带本表 Bring this form</p>"), style="", actor=manager)
    assert "Bring this form" not in text_of(papers.preview(session, kind, building, language="en", actor=manager))
    version = publish(session, kind, manager, with_line("<p>请携带本表 Bring this form</p>"))
    assert (version.number, version.published_by_name) == (1, manager.name)
    assert services.draft_of(session, kind, 1) is None
    assert "Bring this form" in text_of(papers.preview(session, kind, building, language="en", actor=manager))
    later = papers.issue(session, kind, building, language="both", actor=manager)
    assert "Bring this form" in text_of(papers.original(later))
    assert later.template_version.startswith("v1-") and later.template_version != earlier.template_version
    assert papers.original(earlier) == as_it_was
    services.use_delivered(session, kind, actor=manager)
    assert in_force.template_in_force(session, kind, 1) is load_paper(kind.folder)


def test_another_estate_keeps_the_delivered_form(session: Any, kind: PaperKind, manager: Actor) -> None:
    publish(session, kind, manager, with_line("<p>一行</p>"))
    assert in_force.template_in_force(session, kind, 1).edited is not None
    assert in_force.template_in_force(session, kind, 2).edited is None
    with acting(system_actor(estate_id=2)):
        assert services.versions_of(session, kind, 2) == []


def test_papers_in_numbers_are_drawn_over_the_own_template_s_sheet(
    session: Any, kind: PaperKind, building: Building, manager: Actor
) -> None:
    filler = Filler()

    def issue() -> str:
        paper = papers.issue(session, kind, building, language="both", actor=manager, render=filler.render)
        return text_of(papers.original(paper))

    for _ in range(2):
        issue()
    assert (filler.rendered, filler.overlaid) == (1, 1)
    publish(session, kind, manager, with_line("<p>请携带本表</p>"))
    texts = [issue() for _ in range(2)]
    assert (filler.rendered, filler.overlaid) == (2, 2), "a version has a sheet of its own"
    assert all("请携带本表" in text and "望江楼" in text for text in texts)


def test_a_draft_is_kept_whatever_is_in_it_and_an_earlier_version_is_taken_up_as_draft(
    session: Any, kind: PaperKind, manager: Actor
) -> None:
    publish(session, kind, manager, with_line("<p>甲</p>"))
    publish(session, kind, manager, with_line("<p>乙</p>"))
    draft = services.save_draft(session, kind, template="{% if", style="p {", note="半途", actor=manager)
    assert (draft.template, draft.number) == ("{% if", None)
    assert services.save_draft(session, kind, template="{% if x", style="", actor=manager) is draft
    assert services.restore(session, kind, 1, actor=manager).template == with_line("<p>甲</p>")
    form = session.scalars(select(PaperForm)).one()
    assert form.in_force.number == 2, "a draft is in force nowhere"
    assert [v.number for v in services.versions_of(session, kind, 1)] == [None, 2, 1]
    services.discard_draft(session, kind, actor=manager)
    assert services.draft_of(session, kind, 1) is None


def test_every_change_is_in_the_log(session: Any, kind: PaperKind, manager: Actor) -> None:
    with acting(manager):
        services.save_draft(session, kind, template="x", style="", note="试", actor=manager)
        publish(session, kind, manager, with_line("<p>甲</p>"))
        services.restore(session, kind, 0, actor=manager)
        services.discard_draft(session, kind, actor=manager)
        services.set_form(session, kind, form_no="YQ-13", revision="B/1", actor=manager)
        services.use_delivered(session, kind, actor=manager)
        services.set_letterhead(session, {"header_zh": "服务热线"}, {}, actor=manager)
    entries = session.scalars(
        select(AuditEntry).where(AuditEntry.subject_type.in_(["paper_form", "letterhead"])).order_by(AuditEntry.id)
    ).all()
    kinds = [entry.kind for entry in entries]
    for expected in (services.DRAFTED, services.PUBLISHED, services.RESTORED, services.DISCARDED, "update", "create"):
        assert expected in kinds
    assert {entry.actor_name for entry in entries} == {manager.name}
    assert ["", "YQ-13"] in [e.changes.get("form_no") for e in entries] or [None, "YQ-13"] in [
        e.changes.get("form_no") for e in entries
    ]
    published = next(entry for entry in entries if entry.kind == services.PUBLISHED)
    assert published.changes["version"] == [None, 1] and published.note == "一行提示"


@pytest.mark.parametrize("username", ["receptionist", "cs_supervisor", "cashier", "document_administrator"])
def test_only_keepers_change_templates(session: Any, kind: PaperKind, actor_of: Any, username: str) -> None:
    actor = actor_of(username)
    for work in (
        lambda: services.save_draft(session, kind, template="", style="", actor=actor),
        lambda: services.publish(session, kind, template="", style="", note="x", actor=actor),
        lambda: services.discard_draft(session, kind, actor=actor),
        lambda: services.restore(session, kind, 0, actor=actor),
        lambda: services.use_delivered(session, kind, actor=actor),
        lambda: services.set_form(session, kind, form_no="", revision="", actor=actor),
        lambda: services.set_letterhead(session, {}, {}, actor=actor),
    ):
        with pytest.raises(NotAllowed):
            work()
    assert session.scalar(select(func.count()).select_from(PaperTemplateVersion)) == 0


def test_publishing_needs_a_note_and_a_template_that_passes(session: Any, kind: PaperKind, manager: Actor) -> None:
    with pytest.raises(FieldErrors, match="note"):
        publish(session, kind, manager, DELIVERED[0], note=" ")
    with pytest.raises(Blocked) as refused:
        publish(session, kind, manager, DELIVERED[0].replace("c.remarks", "c.remarkz"))
    assert any("remark" in reason for reason in refused.value.reasons)


def test_an_own_version_is_pointed_out_when_the_delivered_form_has_changed_since(
    session: Any, kind: PaperKind, manager: Actor, client_of: Any
) -> None:
    version = publish(session, kind, manager, with_line("<p>甲</p>"))
    client = client_of("manager")
    assert "changed since" not in client.get(f"{PAGE}/X1").get_data(as_text=True)
    version.origin = "of yesterday"
    session.flush()
    for page in (f"{PAGE}/", f"{PAGE}/X1"):
        answer = client.get(page).get_data(as_text=True)
        assert "The delivered form changed since" in answer and f"{PAGE}/X1/compare?old=0&amp;new=1" in answer
    publish(session, kind, manager, with_line("<p>乙</p>"))
    assert "changed since" not in client.get(f"{PAGE}/X1").get_data(as_text=True)


# Letterhead, form number and revision


def upload(data: bytes) -> FileStorage:
    return FileStorage(io.BytesIO(data), filename="x.png")


def test_letterhead_stands_on_every_paper_and_its_pictures_are_written_anew(
    session: Any, kind: PaperKind, building: Building, manager: Actor
) -> None:
    plain = in_force.template_in_force(session, kind, 1)
    lines = {
        "header_zh": "服务热线 400-800",
        "header_en": "Hotline 400-800",
        "footer_zh": "云栖路 1 号",
        "footer_en": "",
    }
    hidden = png(size=(2000, 900)) + b"<script>alert(1)</script>"
    head = services.set_letterhead(session, lines, {"logo": upload(hidden), "stamp": upload(png())}, actor=manager)
    template = in_force.template_in_force(session, kind, 1)
    assert template.template_version != plain.template_version
    data = in_force.content(head.logo)
    assert b"script" not in data and max(Image.open(io.BytesIO(data)).size) <= 480
    pdf = papers.original(papers.issue(session, kind, building, language="both", actor=manager))
    assert "服务热线 400-800" in text_of(pdf) and "Hotline 400-800" in text_of(pdf) and "云栖路 1 号" in text_of(pdf)
    with pypdfium2.PdfDocument(pdf) as document:
        assert any(found.type == 3 for found in document[0].get_objects(max_depth=4)), "the logo is drawn"
    services.set_letterhead(session, {}, {"logo": None, "stamp": None}, actor=manager)
    assert in_force.template_in_force(session, kind, 1).template_version == plain.template_version


def test_what_is_no_picture_is_refused_and_nothing_changes(session: Any, kind: PaperKind, manager: Actor) -> None:
    for data in (b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b""):
        with pytest.raises(FieldErrors, match="picture"):
            services.set_letterhead(session, {}, {"logo": upload(data)}, actor=manager)
    with pytest.raises(FieldErrors):
        services.set_letterhead(session, {"header_zh": "长" * 81}, {}, actor=manager)
    assert services.letterhead_of(session, 1) is None


def test_form_number_and_revision_of_the_estate_are_printed_and_kept(
    session: Any, kind: PaperKind, building: Building, manager: Actor
) -> None:
    services.set_form(session, kind, form_no="YQ-77", revision="C/2", actor=manager)
    paper = papers.issue(session, kind, building, language="zh", actor=manager)
    assert (paper.form_no, paper.revision) == ("YQ-77", "C/2")
    assert "YQ-77" in text_of(papers.original(paper)) and "C/2" in text_of(papers.original(paper))
    assert papers.current_paper(session, kind, building, "zh") is paper
    services.set_form(session, kind, form_no="", revision="", actor=manager)
    again = papers.issue(session, kind, building, language="zh", actor=manager)
    assert again.form_no == load_paper(kind.folder).info.form_no


# Screens


def test_the_editor_from_draft_to_publication(session: Any, kind: PaperKind, client_of: Any) -> None:
    client = client_of("manager")
    page = client.get(f"{PAGE}/X1").get_data(as_text=True)
    assert "c.remarks" in page and "Delivered form" in page
    typed = {"template": with_line("<p>{{ c.nothing }}</p>"), "style": DELIVERED[1], "note": "<b>试</b>", "seen": ""}
    told = client.post(f"{PAGE}/X1/preview", data=typed | {"language": "both", "about": "typical"}).get_json()
    assert told["pictures"] == [] and "nothing" in told["faults"][0] and "4" in told["faults"][0]
    refused = client.post(f"{PAGE}/X1", data=typed | {"do": "publish"})
    assert refused.status_code == 422 and "c.nothing" in refused.get_data(as_text=True)
    draft = services.draft_of(session, kind, 1)
    assert draft is not None and "c.nothing" in draft.template, "what was typed is kept as draft"
    seen = f"{draft.id}.{draft.version}"
    good = typed | {"template": with_line("<p>提示</p>"), "seen": seen}
    assert client.post(f"{PAGE}/X1", data=typed | {"do": "publish"}).status_code == 409, (
        "drawn before the draft was saved"
    )
    told = client.post(f"{PAGE}/X1/preview", data=good | {"language": "en", "about": "longest"}).get_json()
    assert told["faults"] == [] and told["pictures"][0].startswith("data:image/png;base64,") and told["pages"] >= 1
    answer = client.post(f"{PAGE}/X1/preview", data=good | {"language": "zh", "about": "typical", "as": "pdf"})
    assert answer.data.startswith(b"%PDF-") and "提示" in text_of(answer.data)
    assert client.post(f"{PAGE}/X1", data=good | {"do": "publish"}).status_code == 302
    page = client.get(f"{PAGE}/X1").get_data(as_text=True)
    assert "own version 1" in page and "&lt;b&gt;试" in page
    compared = client.get(f"{PAGE}/X1/compare?old=0&new=1").get_data(as_text=True)
    assert 'class="added"' in compared and "提示" in compared


def test_a_real_record_is_previewed_only_by_those_who_may_print_it(
    session: Any, kind: PaperKind, building: Building, client_of: Any
) -> None:
    other = Building(estate_id=2, code="K2", name_zh="邻楼")
    with acting(system_actor(estate_id=2)):
        session.add(other)
        session.flush()
    typed = {"template": DELIVERED[0], "style": DELIVERED[1], "language": "zh", "as": "pdf"}
    manager = client_of("manager")
    answer = manager.post(f"{PAGE}/X1/preview", data=typed | {"about": str(building.id)})
    assert "望江楼" in text_of(answer.data) and "未签发" in text_of(answer.data)
    assert manager.post(f"{PAGE}/X1/preview", data=typed | {"about": str(other.id)}).status_code == 404
    keeper = client_of("system_administrator")
    assert "望江楼" not in keeper.get(f"{PAGE}/X1").get_data(as_text=True)
    assert keeper.post(f"{PAGE}/X1/preview", data=typed | {"about": str(building.id)}).status_code == 404


def test_pages_of_templates_answer_those_who_may_not_with_404(kind: PaperKind, client_of: Any) -> None:
    client = client_of("document_administrator")
    assert client.get(f"{PAGE}/X1").status_code == 200
    for place in ("", "/restore/0", "/delivered", "/form", "/discard"):
        assert client.post(f"{PAGE}/X1{place}", data={"do": "publish"}).status_code == 404
    assert client.get(f"{PAGE}/X2").status_code == 404
    assert client_of("receptionist").get(f"{PAGE}/").status_code == 404


# Delivered forms


FORMS = sorted(path.parent for path in (Path(__file__).parents[2] / "app").glob("modules/*/papers/*/meta.yaml"))


@pytest.mark.slow
@pytest.mark.usefixtures("laid_out_once")
@pytest.mark.parametrize("folder", FORMS, ids=lambda folder: folder.name)
def test_every_delivered_form_passes_the_check_it_sets(app: Any, folder: Path) -> None:
    template = load_paper(folder)
    with app.test_request_context():
        assert problems(template.edited_as(*in_force.delivered_texts(template))) == []
