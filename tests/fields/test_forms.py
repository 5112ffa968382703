"""Fields without code in forms: what is asked, kept, refused, compared and told."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from app.core.access.actor import NotAllowed, current_actor
from app.core.audit.models import AuditEntry
from app.core.fields.models import CustomValue, FieldKind
from app.core.fields.queries import values_of
from app.core.fields.services import add_field, archive_field, change_field, give_defaults, set_values
from app.core.files.models import Attachment
from app.core.papers.archive import ArchiveFilter, archive
from app.core.records.refusals import FieldErrors
from app.modules.estates.models import Building, Unit
from app.modules.estates.services import save_unit
from app.modules.movein.models import MoveInCase
from app.modules.movein.services import open_case
from app.modules.people.models import TenureRole
from app.modules.people.services import grant_tenure, register_person

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@pytest.fixture
def unit(session) -> Unit:
    building = Building(code="7", name_zh="七号楼", name_en="Building 7")
    session.add(building)
    session.flush()
    values = {"building_id": building.id, "number": "101", "gross_area": Decimal("89.30")}
    return save_unit(session, None, values, actor=current_actor())


@pytest.fixture
def field(session):
    def make(kind: FieldKind = FieldKind.TEXT, title: str = "Remark", record_type: str = "unit", **more):
        given = {"record_type": record_type, "kind": kind, "title_en": title, "title_zh": f"中{title}", **more}
        row = add_field(session, given, actor=current_actor())
        session.commit()
        return row

    return make


FACING = [
    {"code": "s", "title_zh": "南", "title_en": "South"},
    {"code": "n", "title_zh": "北", "title_en": "North"},
]


@pytest.fixture
def every_kind(field):
    """A field of each kind on units."""
    field(FieldKind.TEXT, "Remark", section_en="House", section_zh="房屋", help_en="What is special.")
    field(FieldKind.NUMBER, "Power", places=1)
    field(FieldKind.MONEY, "Deposit")
    field(FieldKind.DATE, "Fitted")
    field(FieldKind.CHOICE, "Facing", choices=FACING)
    field(FieldKind.YES_NO, "Lift")
    field(FieldKind.FILE, "Plan")


def stored(session, unit) -> dict:
    return values_of(session, "unit", [unit.id]).get(unit.id, {})


def the_form(unit, **more) -> dict:
    data = {
        "building_id": unit.building_id, "number": unit.number, "gross_area": "89.30", "house_type": unit.house_type.value,
        "registered_use": unit.registered_use, "version": unit.version,
    }  # fmt: skip
    return {name: value for name, value in {**data, **more}.items() if value is not None}


def edit(client, unit, **more):
    return client.post(f"/units/{unit.id}/edit", data=the_form(unit, **more), content_type="multipart/form-data")


EVERYTHING = {
    "x_remark": " corner ", "x_power": "4.5", "x_deposit": "1,200.5", "x_fitted": "2026-05-01", "x_facing": "n", "x_lift": "False",
}  # fmt: skip


def test_values_of_every_kind_come_in_by_the_form_typed(session, client_of, unit, every_kind):
    answer = edit(client_of("manager"), unit, **EVERYTHING, x_plan=(io.BytesIO(PDF), "plan.pdf"))
    assert answer.status_code == 302, answer.get_data(as_text=True)
    found = stored(session, unit)
    plan = found.pop("plan")
    assert str(found["fitted"]) == "2026-05-01"
    del found["fitted"]
    assert found == {
        "remark": "corner", "power": Decimal("4.5"), "deposit": Decimal("1200.50"), "facing": "n", "lift": False
    }  # fmt: skip
    assert plan.name == "plan.pdf"
    rows = {row.text: row for row in session.scalars(select(CustomValue))}
    assert rows["n"].number is None and "corner" in rows


def test_the_form_asks_for_fields_in_their_section_with_help_and_default(session, client_of, unit, every_kind, field):
    field(FieldKind.NUMBER, "Floors", default="2", required=True)
    page = client_of("manager").get("/units/new").get_data(as_text=True)
    house = page[page.index("<h2>House</h2>") : page.index("<h2>Areas</h2>")]
    assert 'name="x_remark"' in house and "What is special." in house
    assert "<h2>More details</h2>" in page and 'value="2"' in page[page.index('id="x_floors"') - 200 :]
    assert 'enctype="multipart/form-data"' in page


def test_a_record_made_on_a_form_has_its_fields(session, client_of, unit, field):
    field(FieldKind.NUMBER, "Floors", required=True)
    client = client_of("manager")
    refused = client.post("/units/new", data=the_form(unit, number="102", version=None))
    assert refused.status_code == 422 and "must be filled in" in refused.get_data(as_text=True)
    made = client.post("/units/new", data=the_form(unit, number="102", version=None, x_floors="3"))
    assert made.status_code == 302
    other = session.scalar(select(Unit).where(Unit.number == "102"))
    assert stored(session, other) == {"floors": Decimal("3")}


def test_what_cannot_be_is_said_beside_the_field_and_stays_typed(session, client_of, unit, every_kind):
    answer = edit(client_of("manager"), unit, **{**EVERYTHING, "x_power": "4.55", "x_facing": "west"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "At most 1 decimals." in page and "Choose one of the values offered." in page and 'value="4.55"' in page
    assert stored(session, unit) == {}


def test_a_required_field_bites_on_the_next_form_only(session, client_of, unit, field):
    field(FieldKind.TEXT, "Remark", required=True)
    client = client_of("manager")
    assert client.get(f"/units/{unit.id}").status_code == 200
    assert edit(client, unit, x_remark="").status_code == 422
    assert edit(client, unit, x_remark="fine").status_code == 302


def test_who_sees_and_who_fills_in(session, client_of, unit, field):
    field(FieldKind.TEXT, "Secret", read_roles=["manager"])
    field(FieldKind.TEXT, "Open", write_roles=["manager"])
    set_values(session, unit, {"secret": "hush", "open": "shown"}, actor=current_actor())
    session.commit()
    client = client_of("cs_supervisor")
    form, page = (client.get(f"/units/{unit.id}{end}").get_data(as_text=True) for end in ("/edit", ""))
    for text in (form, page):
        assert "hush" not in text and "Secret" not in text and "shown" in text
    assert 'name="x_open"' not in form
    assert edit(client, unit, x_open="changed").status_code == 400
    assert edit(client, unit, x_secret="changed").status_code == 400
    assert stored(session, unit) == {"secret": "hush", "open": "shown"}
    assert "hush" in client_of("manager").get(f"/units/{unit.id}").get_data(as_text=True)


def test_services_refuse_who_may_not_fill_in(session, unit, field, actor_of):
    field(FieldKind.TEXT, "Open", write_roles=["manager"])
    with pytest.raises(NotAllowed):
        set_values(session, unit, {"open": "x"}, actor=actor_of("receptionist"))
    with pytest.raises(NotAllowed):
        set_values(session, unit, {"nothing": "x"}, actor=current_actor())


def test_an_archived_field_is_gone_from_form_and_page_and_its_values_stay(session, client_of, unit, field):
    row = field(FieldKind.TEXT, "Remark")
    set_values(session, unit, {"remark": "kept"}, actor=current_actor())
    archive_field(session, row, reason="no longer needed", actor=current_actor())
    session.commit()
    client = client_of("manager")
    assert "x_remark" not in client.get(f"/units/{unit.id}/edit").get_data(as_text=True)
    assert edit(client, unit, x_remark="again").status_code == 400
    page = client.get(f"/units/{unit.id}").get_data(as_text=True)
    assert page.count("kept") == 1 and "Remark" in page, "the timeline still tells of it"
    assert session.scalar(select(CustomValue.text)) == "kept"


def test_two_people_at_once_are_shown_each_others_values(session, client_of, unit, field):
    field(FieldKind.TEXT, "Remark")
    field(FieldKind.NUMBER, "Power")
    client = client_of("manager")
    first = the_form(unit, x_remark="mine", x_power="")
    assert edit(client, unit, x_remark="theirs", x_power="7").status_code == 302
    answer = client.post(f"/units/{unit.id}/edit", data=first)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "theirs" in page and 'value="mine"' in page
    assert 'value="7"' in page, "what only the other person changed is taken over"
    session.expire_all()
    assert stored(session, unit) == {"remark": "theirs", "power": Decimal("7")}


def test_setting_a_value_makes_a_new_version_and_one_entry_of_the_record(session, unit, field):
    field(FieldKind.MONEY, "Deposit")
    before = unit.version
    set_values(session, unit, {"deposit": Decimal("10")}, actor=current_actor())
    set_values(session, unit, {"deposit": Decimal("10.00")}, actor=current_actor())
    assert unit.version == before + 1
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (entry.record_type, entry.record_id, entry.changes) == ("unit", unit.id, {"x_deposit": [None, "10.00"]})


def test_the_timeline_tells_of_fields_in_words(session, client_of, unit, every_kind):
    client = client_of("manager")
    edit(client, unit, **EVERYTHING, note="seen", x_plan=(io.BytesIO(PDF), "plan.pdf"))
    page = client.get(f"/units/{unit.id}").get_data(as_text=True)
    told = page[page.index('id="happenings"') :]
    for words in (
        "Facing: <ins>North",
        "Deposit: <ins>¥1,200.50",
        "Lift: <ins>No",
        "Plan: <ins>plan.pdf",
        "2026-05-01",
    ):
        assert words in told
    assert told.count("changed this record") == 1, "one form, one line"


def test_a_withdrawn_choice_stays_where_it_was_chosen(session, client_of, unit, field):
    row = field(FieldKind.CHOICE, "Facing", choices=FACING)
    set_values(session, unit, {"facing": "n"}, actor=current_actor())
    change_field(session, row, {"choices": FACING[:1]}, actor=current_actor())
    session.commit()
    client = client_of("manager")
    assert '<option selected value="n">North</option>' in client.get(f"/units/{unit.id}/edit").get_data(as_text=True)
    assert edit(client, unit, x_facing="n").status_code == 302
    assert "North" not in client.get("/units/new").get_data(as_text=True)
    session.refresh(unit)
    assert edit(client, unit, x_facing="s").status_code == 302
    with pytest.raises(FieldErrors):
        set_values(session, unit, {"facing": "n"}, actor=current_actor())


def test_a_file_is_replaced_removed_and_seen_with_its_field_only(session, client_of, unit, field):
    field(FieldKind.FILE, "Plan", read_roles=["manager"])
    client = client_of("manager")
    assert edit(client, unit, x_plan=(io.BytesIO(PDF), "one.pdf")).status_code == 302
    first = stored(session, unit)["plan"]
    assert client.get(f"/files/{first}/one.pdf").status_code == 200
    assert client_of("cs_supervisor").get(f"/files/{first}/one.pdf").status_code == 404
    session.refresh(unit)
    assert edit(client, unit, x_plan=(io.BytesIO(b""), "")).status_code == 302
    assert stored(session, unit)["plan"] == first, "no other file chosen: it stays"
    session.refresh(unit)
    edit(client, unit, x_plan=(io.BytesIO(PDF + b"%2\n"), "two.pdf"))
    assert stored(session, unit)["plan"].name == "two.pdf"
    assert session.get(Attachment, first).archived_at is not None
    session.refresh(unit)
    edit(client, unit, x_plan="remove")
    assert stored(session, unit) == {}
    upload = {"file": (io.BytesIO(PDF), "a.pdf"), "kind": "field"}
    client.post(f"/files/attach/unit/{unit.id}", data=upload, content_type="multipart/form-data")
    assert session.scalar(select(Attachment).where(Attachment.name == "a.pdf")) is None


def test_values_go_with_their_record(session, unit, field):
    field()
    set_values(session, unit, {"remark": "x"}, actor=current_actor())
    session.delete(unit)
    session.flush()
    assert session.scalar(select(CustomValue)) is None


def test_programs_read_and_set_fields(session, client_of, unit, every_kind):
    client = client_of("manager")
    body = client.get(f"/api/v1/units/{unit.id}").get_json()
    assert body["x_power"] is None
    sent = {"version": body["version"], "x_power": "2.5", "x_facing": "s", "x_lift": True, "x_fitted": "2026-01-02"}
    answer = client.patch(f"/api/v1/units/{unit.id}", json=sent)
    assert answer.status_code == 200, answer.get_json()
    now = answer.get_json()
    assert (now["x_power"], now["x_facing"], now["x_lift"], now["x_fitted"]) == ("2.5", "s", True, "2026-01-02")
    assert client.get("/api/v1/units/").get_json()["items"][0]["x_facing"] == "s"
    refused = client.patch(f"/api/v1/units/{unit.id}", json={"version": now["version"], "x_facing": "w"})
    assert refused.status_code == 422 and "x_facing" in refused.get_json()["errors"]
    assert client.patch(f"/api/v1/units/{unit.id}", json={"version": now["version"], "x_no": 1}).status_code == 400


def test_a_form_costs_one_statement_more(session, client_of, unit, every_kind, sql_count):
    client = client_of("manager")
    client.get("/parking-bays/new")  # definitions are at hand from here on
    client.get(f"/units/{unit.id}/edit")
    sql_count.reset()
    client.get(f"/units/{unit.id}/edit")
    assert len([s for s in sql_count.statements if "custom_" in s]) == 1


def test_the_household_page_shows_what_is_known(session, client_of, unit, field):
    field(FieldKind.TEXT, "Remark")
    set_values(session, unit, {"remark": "corner flat"}, actor=current_actor())
    session.commit()
    assert "corner flat" in client_of("receptionist").get(f"/households/{unit.id}").get_data(as_text=True)


def test_a_move_in_asks_for_its_fields_when_it_opens_and_later(session, client_of, unit, field):
    field(FieldKind.CHOICE, "Language", record_type="movein_case", choices=FACING, required=True)
    owner = register_person(session, {"name": "张三", "mobile": "13800138000"}, actor=current_actor())
    grant_tenure(session, unit=unit, person=owner, role=TenureRole.OWNER, actor=current_actor())
    session.commit()
    desk = client_of("receptionist")
    sent = {"unit": unit.id, "open-owner": owner.id}
    refused = desk.post("/move-ins/new", data=sent)
    assert refused.status_code == 422 and 'id="open-x_language-error"' in refused.get_data(as_text=True)
    assert desk.post("/move-ins/new", data={**sent, "open-x_language": "n"}).status_code == 302
    case = session.scalars(select(MoveInCase)).one()
    assert values_of(session, "movein_case", [case.id]) == {case.id: {"language": "n"}}
    page = desk.get(f"/move-ins/{case.id}").get_data(as_text=True)
    assert "<dd>North</dd>" in page and f"/move-ins/{case.id}/edit" in page
    changed = desk.post(f"/move-ins/{case.id}/edit", data={"version": case.version, "x_language": "s"})
    assert changed.status_code == 302
    assert values_of(session, "movein_case", [case.id]) == {case.id: {"language": "s"}}


def test_without_fields_a_move_in_has_no_form_for_them(session, client_of, unit):
    owner = register_person(session, {"name": "张三", "mobile": "13800138000"}, actor=current_actor())
    grant_tenure(session, unit=unit, person=owner, role=TenureRole.OWNER, actor=current_actor())
    case = open_case(session, unit=unit, owner=owner, actor=current_actor())
    session.commit()
    assert client_of("receptionist").get(f"/move-ins/{case.id}/edit").status_code == 404


def test_records_that_no_form_made_get_the_defaults(session, unit, field):
    field(FieldKind.NUMBER, "Floors", default="2")
    field(FieldKind.YES_NO, "Lift")
    give_defaults(session, unit, actor=current_actor())
    assert stored(session, unit) == {"floors": Decimal("2")}


def test_the_archive_leaves_out_files_of_fields_one_does_not_see(session, unit, field, actor_of):
    field(FieldKind.FILE, "Plan", read_roles=["manager"])
    upload = FileStorage(io.BytesIO(PDF), filename="plan.pdf")
    set_values(session, unit, {"plan": upload}, actor=current_actor())
    for role, names in (("manager", ["plan.pdf"]), ("cs_supervisor", [])):
        entries, _more = archive(session, unit.id, ArchiveFilter(), actor=actor_of(role))
        assert [entry.name for entry in entries] == names


def test_the_timeline_does_not_tell_what_one_does_not_see(session, client_of, unit, field):
    field(FieldKind.TEXT, "Secret", read_roles=["manager"])
    field(FieldKind.FILE, "Plan", read_roles=["manager"])
    upload = FileStorage(io.BytesIO(PDF), filename="hidden.pdf")
    set_values(session, unit, {"secret": "hush", "plan": upload}, actor=current_actor())
    session.commit()
    for role, told in (("manager", True), ("cs_supervisor", False)):
        client = client_of(role)
        for address in (f"/units/{unit.id}", f"/timeline/unit/{unit.id}"):
            page = client.get(address).get_data(as_text=True)
            assert ("hush" in page) is told and ("hidden.pdf" in page) is told, (role, address)
