"""Fields without code as an administrator adds, changes, orders, archives and restores them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text

from app.core.access.actor import NotAllowed, current_actor
from app.core.audit.models import AuditEntry
from app.core.fields.kinds import Extensible, Field
from app.core.fields.models import CustomField, FieldKind
from app.core.fields.queries import fields_of
from app.core.fields.services import add_field, archive_field, change_field, order_fields, restore_field
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.core.registry import registry

NEW = "/settings/fields/new?record_type=unit&kind="
TITLES = {"title_zh": "朝向", "title_en": "Facing"}
CHOICES = [{"title_zh": "南", "title_en": "South"}, {"title_zh": "东北", "title_en": "North east"}]


def made(session, **values) -> CustomField:
    given = {"record_type": "unit", "kind": FieldKind.TEXT, **TITLES, **values}
    row = add_field(session, given, actor=current_actor())
    session.flush()
    return row


def test_units_people_and_move_ins_take_fields(app):
    with app.app_context():
        assert {"unit", "person", "movein_case", "goods_release"} <= registry().of(Extensible).keys()


def test_a_field_is_added_in_the_browser(session, client_of):
    client = client_of("system_administrator")
    assert "Choice" in client.get("/settings/fields/new?record_type=unit").get_data(as_text=True)
    rows = ["南", "South", "", "北", "North", "n", "", "", ""]
    sent = {**TITLES, "choices": rows, "default": "South", "required": "y", "listed": "y", "read_roles": ["manager"]}
    answer = client.post(NEW + "choice", data=sent)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    [field] = fields_of("unit")
    assert (field.code, field.kind, field.required, field.listed) == ("facing", FieldKind.CHOICE, True, True)
    assert [(c.code, c.title_zh) for c in field.choices] == [("south", "南"), ("n", "北")]
    assert field.read_roles == {"manager"} and field.first_value() == "south"
    page = client.get("/settings/fields/").get_data(as_text=True)
    assert "朝向 · Facing" in page and "Required" in page
    shown = client.get(f"/settings/fields/{field.id}").get_data(as_text=True)
    assert "Service-centre manager" in shown and "North" in shown


@pytest.mark.parametrize("kind", list(FieldKind))
def test_the_form_of_a_kind_asks_for_what_the_kind_has(session, client_of, kind):
    page = client_of("system_administrator").get(NEW + kind).get_data(as_text=True)
    assert ('name="choices"' in page) is (kind is FieldKind.CHOICE)
    assert ('name="places"' in page) is (kind is FieldKind.NUMBER)
    assert ('name="searched"' in page) is (kind is FieldKind.TEXT)
    assert ('name="default"' in page) is (kind is not FieldKind.FILE)


def test_unknown_records_and_kinds_have_no_form(client_of):
    client = client_of("system_administrator")
    assert client.get(NEW + "colour").status_code == 404
    assert client.get("/settings/fields/new?record_type=ab_user&kind=text").status_code == 404


def test_only_keepers_come_near(session, client_of, actor_of):
    client = client_of("receptionist")
    for address in ("/settings/fields/", NEW + "text"):
        assert client.get(address).status_code == 404
    with pytest.raises(NotAllowed):
        add_field(session, {"record_type": "unit"}, actor=actor_of("receptionist"))


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"record_type": "ab_user"}, "record_type"),
        ({"code": "Größe"}, "code"),
        ({"kind": FieldKind.CHOICE}, "choices"),
        ({"kind": FieldKind.CHOICE, "choices": [{"title_zh": "南"}]}, "choices"),
        ({"kind": FieldKind.CHOICE, "choices": [CHOICES[0], CHOICES[0]]}, "choices"),
        ({"kind": FieldKind.NUMBER, "default": "many"}, "default"),
        ({"kind": FieldKind.CHOICE, "choices": CHOICES, "default": "West"}, "default"),
        ({"kind": FieldKind.FILE, "default": "a.pdf"}, "default"),
        ({"kind": FieldKind.DATE, "default": "2026-02-30"}, "default"),
    ],
)
def test_what_cannot_be_is_refused_at_its_input(session, wrong, where):
    with pytest.raises(FieldErrors) as refused:
        made(session, **wrong)
    assert where in refused.value.errors


def test_a_refused_definition_comes_back_as_it_was_typed(session, client_of):
    sent = {**TITLES, "places": "0", "default": "many", "read_roles": ["manager"]}
    answer = client_of("system_administrator").post(NEW + "number", data=sent)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and 'value="many"' in page and "is no number" in page
    assert 'value="manager" checked' in page
    assert session.scalar(select(func.count(CustomField.id))) == 0


def test_codes_are_made_of_titles_and_never_used_twice(session):
    assert made(session, title_en="Power (kW)").code == "power_kw"
    assert made(session, title_en="Power, kW").code == "power_kw_2"
    assert made(session, title_en="3rd key").code == "v_3rd_key"
    archived = made(session, code="old")
    archive_field(session, archived, reason="gone", actor=current_actor())
    with pytest.raises(FieldErrors):
        made(session, code="old")
    assert made(session, code="old", record_type="person").code == "old"


def test_what_a_field_is_never_changes(session, client_of):
    row = made(session, kind=FieldKind.NUMBER, places=1)
    change_field(session, row, {"kind": FieldKind.TEXT, "code": "x", "record_type": "person"}, actor=current_actor())
    assert (row.kind, row.code, row.record_type) == (FieldKind.NUMBER, "facing", "unit")
    session.commit()
    page = client_of("system_administrator").get(f"/settings/fields/{row.id}/edit").get_data(as_text=True)
    assert 'name="code"' not in page and 'name="kind"' not in page


def test_choices_keep_their_codes_and_are_withdrawn(session, client_of):
    row = made(session, kind=FieldKind.CHOICE, choices=CHOICES)
    session.commit()
    client = client_of("system_administrator")
    rows = ["正南", "Due south", "south", "西", "West", ""]
    sent = {**TITLES, "choices": rows, "version": row.version}
    assert client.post(f"/settings/fields/{row.id}/edit", data=sent).status_code == 302
    offered = {c.code: (c.title_en, c.withdrawn) for c in fields_of("unit")[0].choices}
    assert offered == {"south": ("Due south", False), "west": ("West", False), "north_east": ("North east", True)}
    assert "North east" not in client.get(f"/settings/fields/{row.id}/edit").get_data(as_text=True)
    again = [*rows, "东北", "North-east", "north_east"]
    sent = {**TITLES, "choices": again, "version": session.get(CustomField, row.id).version}
    assert client.post(f"/settings/fields/{row.id}/edit", data=sent).status_code == 302
    assert not any(c.withdrawn for c in fields_of("unit")[0].choices)


def test_fields_stand_in_the_order_that_was_chosen(session, client_of):
    one, two, three = (made(session, title_en=title) for title in ("One", "Two", "Three"))
    session.commit()
    client = client_of("system_administrator")
    client.post(f"/settings/fields/{three.id}/move", data={"to": "up"})
    client.post(f"/settings/fields/{one.id}/move", data={"to": "down"})
    assert [f.code for f in fields_of("unit")] == ["three", "one", "two"]
    order_fields(session, "unit", [two.id], actor=current_actor())
    assert [f.code for f in fields_of("unit")] == ["two", "three", "one"]


def test_archiving_wants_a_reason_and_can_be_undone(session, client_of):
    row = made(session)
    session.commit()
    client, page = client_of("system_administrator"), f"/settings/fields/{row.id}"
    client.post(page + "/archive", data={"reason": " "})
    assert fields_of("unit")
    client.post(page + "/archive", data={"reason": "twice the same"})
    assert fields_of("unit") == () and fields_of("unit", archived=True)[0].archived
    assert "twice the same" in client.get(page).get_data(as_text=True)
    assert "1 archived field" in client.get("/settings/fields/").get_data(as_text=True)
    client.post(page + "/restore")
    assert [f.code for f in fields_of("unit")] == ["facing"]
    with pytest.raises(InvalidValue):
        archive_field(session, row, reason="", actor=current_actor())
    restore_field(session, row, actor=current_actor())


def test_every_change_of_a_definition_is_in_the_log(session):
    row = made(session)
    change_field(session, row, {"title_en": "Aspect", "required": True}, actor=current_actor())
    entries = session.scalars(
        select(AuditEntry).where(AuditEntry.record_type == "custom_field").order_by(AuditEntry.id)
    ).all()
    assert [e.kind for e in entries] == ["create", "update"]
    assert entries[1].changes == {"title_en": ["Facing", "Aspect"], "required": [False, True]}


def test_definitions_are_remembered_until_settings_change(session, client_of, sql_count):
    row = made(session, kind=FieldKind.CHOICE, choices=CHOICES)
    session.commit()
    client = client_of("manager")
    client.get("/parking-bays/new")
    sql_count.reset()
    client.get("/parking-bays/new")
    assert not [s for s in sql_count.statements if "custom_field" in s]
    change_field(session, row, {"title_en": "Aspect"}, actor=current_actor())
    session.commit()
    assert "Aspect" in client.get("/units/new").get_data(as_text=True)


def test_what_a_rolled_back_change_said_is_not_remembered(session):
    made(session)
    before = fields_of("unit")
    with session.begin_nested() as attempt:
        made(session, title_en="Never")
        assert len(fields_of("unit")) == 2
        attempt.rollback()
    assert fields_of("unit") == before
    made(session, title_en="Other")
    assert [f.code for f in fields_of("unit")] == ["facing", "other"]


def test_another_estate_has_its_own_fields(session, client_of):
    row = made(session)
    session.commit()
    client = client_of("neighbour")
    assert client.get(f"/settings/fields/{row.id}").status_code == 404
    assert "Facing" not in client.get("/settings/fields/").get_data(as_text=True)
    assert fields_of("unit", estate_id=2) == ()


def test_the_database_knows_the_types(session):
    row = made(session)
    values = {"f": row.id, "e": row.estate_id}
    columns = "estate_id, field_id, record_type, record_id, created_at, changed_at, version"
    with pytest.raises(Exception, match="one_value"), session.begin_nested():
        session.execute(
            text(
                f"INSERT INTO custom_value ({columns}, text, number)"
                " VALUES (:e, :f, 'unit', 1, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 1, 'a', 1)"
            ),
            values,
        )


def field(kind: FieldKind, **more) -> Field:
    return Field(id=1, record_type="unit", code="f", kind=kind, title_zh="字段", title_en="Field", **more)


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        (FieldKind.TEXT, "  a b ", "a b"),
        (FieldKind.NUMBER, "１,２３４.５", Decimal("1234.50")),
        (FieldKind.NUMBER, "-3", Decimal("-3.00")),
        (FieldKind.MONEY, "¥1,200.5", Decimal("1200.50")),
        (FieldKind.DATE, "2026年5月1日", date(2026, 5, 1)),
        (FieldKind.YES_NO, "是", True),
        (FieldKind.YES_NO, "No", False),
        (FieldKind.TEXT, " ", None),
        (FieldKind.NUMBER, "", None),
    ],
)
def test_typed_text_is_read(kind, typed, value):
    assert field(kind, places=2).read(typed) == value


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (FieldKind.TEXT, "a" * 501),
        (FieldKind.NUMBER, "1.234"),
        (FieldKind.NUMBER, "1e12"),
        (FieldKind.NUMBER, "NaN"),
        (FieldKind.MONEY, "a lot"),
        (FieldKind.DATE, "2026-02-30"),
        (FieldKind.YES_NO, "perhaps"),
        (FieldKind.CHOICE, "West"),
        (FieldKind.FILE, "plan.pdf"),
    ],
)
def test_text_that_is_no_value_is_refused(app, kind, typed):
    with app.app_context(), pytest.raises(InvalidValue) as refused:
        field(kind, places=2).read(typed)
    assert str(refused.value.args[0])
