"""Persons, tenures over time, consents; who is found by what; who may see numbers in full."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from app.core.access.actor import NotAllowed, current_actor
from app.core.audit.models import AuditEntry
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.modules.estates.models import BayTenure, Building, ParkingBay, ParkingUse, Unit
from app.modules.people import services
from app.modules.people.models import (
    ConsentScope,
    CoOwnership,
    IdKind,
    Person,
    PersonKind,
    Relation,
    Sex,
    TenureRole,
    UnitUse,
)
from app.modules.people.queries import (
    UnitLabel,
    find_persons,
    has_consent,
    holds,
    household_of,
    labels_of,
    owners_of,
)
from app.modules.people.search import search_persons, search_plates

ID_A = "000000199003071236"


@pytest.fixture
def unit(session: Any) -> Unit:
    unit = Unit(
        estate_id=1, building=Building(estate_id=1, code="1"), number="101", code="1-101", gross_area=Decimal(100)
    )
    session.add(unit)
    session.flush()
    return unit


def person(session: Any, name: str = "张三", **values: Any) -> Person:
    return services.register_person(session, {"name": name, **values}, actor=current_actor())


def grant(session: Any, unit: Unit, who: Person, role: TenureRole = TenureRole.OWNER, **facts: Any) -> Any:
    return services.grant_tenure(session, unit=unit, person=who, role=role, actor=current_actor(), **facts)


@pytest.fixture
def today(session: Any) -> date:
    return estate_today(session, 1)


def test_numbers_are_brought_to_one_spelling_and_the_id_tells_sex_and_birth_date(session):
    found = person(
        session, id_kind=IdKind.RESIDENT_ID, id_no="000000 1990 0307 1236", mobile="+86 138-1234-5678", sex=Sex.FEMALE
    )
    assert (found.id_no, found.mobile, found.sex, found.birth_date) == (ID_A, "13812345678", Sex.MALE, date(1990, 3, 7))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"id_kind": IdKind.RESIDENT_ID, "id_no": "000000199003071237"}, "id_no"),
        ({"id_no": ID_A}, "id_kind"),
        ({"mobile": "1396541169"}, "mobile"),
        ({"postcode": "12345"}, "postcode"),
        ({"name": " "}, "name"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(session, values, field):
    with pytest.raises(FieldErrors) as refusal:
        person(session, **{"name": "张三"} | values)
    assert list(refusal.value.errors) == [field]


def test_an_id_number_belongs_to_one_person_of_the_estate(session):
    person(session, id_kind=IdKind.RESIDENT_ID, id_no=ID_A)
    with pytest.raises(FieldErrors, match="already registered for 张三"):
        person(session, "李四", id_kind=IdKind.RESIDENT_ID, id_no=ID_A)


def test_a_business_licence_makes_an_organisation(session):
    firm = person(session, "某某公司", id_kind=IdKind.BUSINESS_LICENCE, id_no="91350100M000100Y43")
    assert (firm.kind, firm.credit_code) == (PersonKind.ORGANISATION, "91350100M000100Y43")


@pytest.mark.parametrize(
    "text", ["张三", "张", "zhangsan", "zhang", "zs", "ZS", "13812345678", "138 1234 5678", "5678", ID_A, "1236"]
)
def test_a_person_is_found_by_name_pinyin_initials_and_numbers(session, text):
    found = person(session, mobile="13812345678", id_kind=IdKind.RESIDENT_ID, id_no=ID_A)
    person(session, "李四")
    assert find_persons(session, text) == [found]


@pytest.mark.parametrize(("name", "text"), [("曾强", "cengqiang"), ("曾强", "cq"), ("Maria Fernanda Gonçalves", "maria f"),
                                            ("Nguyễn Thị Minh", "nguyen"), ("Nguyễn Thị Minh", "ntm")])  # fmt: skip
def test_other_readings_and_latin_names_are_found(session, name, text):
    found = person(session, name)
    assert find_persons(session, text) == [found]


@pytest.mark.parametrize("text", ["", "%", "王", "ws", "1381234567", "5679"])
def test_others_are_not_found(session, text):
    person(session, mobile="13812345678")
    assert not find_persons(session, text)


def test_a_search_costs_two_statements_and_shows_masked_phone_and_units(app, session, unit, sql_count):
    grant(session, unit, person(session, mobile="13812345678"))
    with app.test_request_context():
        sql_count.reset()
        (hit,) = search_persons(session, "zs", 10)
        assert len(sql_count.statements) == 2
    assert (hit.title, hit.detail) == ("张三", "138****5678 · 1-101")


@pytest.mark.parametrize("text", ["京A12345", "京a·123", "A12345", "A123"])
def test_a_car_is_found_by_plate_with_or_without_its_province(app, session, unit, text, sql_count):
    bay = ParkingBay(estate_id=1, code="B1", tenure=BayTenure.OWNED, unit=unit)
    session.add(ParkingUse(estate_id=1, bay=bay, unit=unit, plate="京A12345"))
    services.register_vehicle(
        session, {"person_id": person(session).id, "unit_id": unit.id, "plate": "京A12399"}, actor=current_actor()
    )
    with app.test_request_context():
        sql_count.reset()
        hits = [hit.title for hit in search_plates(session, text, 10)]
        assert len(sql_count.statements) <= 2
    assert "京A12345" in hits


def test_shares_never_exceed_the_whole(session, unit):
    first = grant(session, unit, person(session), share=Fraction(1, 2))
    assert first.co_ownership is CoOwnership.BY_SHARES
    with pytest.raises(FieldErrors, match="more than the whole"):
        grant(session, unit, person(session, "李四"), share=Fraction(2, 3))
    grant(session, unit, person(session, "王五"), share=Fraction(1, 2))
    with pytest.raises(FieldErrors):
        services.correct_tenure(session, first, {"share": Fraction(3, 4)}, actor=current_actor())


def test_a_new_owner_follows_the_old_one_without_overwriting(session, unit, today):
    old = grant(session, unit, person(session), share=Fraction(1))
    services.end_tenure(session, old, on=today - timedelta(days=1), actor=current_actor())
    new = grant(session, unit, person(session, "李四"), share=Fraction(1), valid_from=today)
    assert owners_of(session, unit.id) == [new]
    assert owners_of(session, unit.id, today - timedelta(days=1)) == [old]
    assert not holds(session, unit_id=unit.id, person_id=old.person_id)
    with pytest.raises(InvalidValue, match="ended already"):
        services.end_tenure(session, old, on=today, actor=current_actor())


def test_another_use_is_a_new_row_from_its_day(session, unit, today):
    before = grant(session, unit, person(session), unit_use=UnitUse.VACANT, share=Fraction(1))
    after = services.change_use(session, before, UnitUse.LET, since=today, actor=current_actor())
    assert (before.unit_use, before.valid_to) == (UnitUse.VACANT, today - timedelta(days=1))
    assert (after.unit_use, after.valid_from, after.share) == (UnitUse.LET, today, 1)


def test_leases_run_for_20_years_at_most_and_members_state_their_relation(session, unit):
    with pytest.raises(FieldErrors, match="20 years"):
        grant(
            session, unit, person(session), TenureRole.TENANT, valid_from=date(2026, 3, 1), lease_until=date(2046, 3, 2)
        )
    with pytest.raises(FieldErrors, match="relation"):
        grant(session, unit, person(session, "李四"), TenureRole.HOUSEHOLD_MEMBER)


def test_the_household_is_listed_owners_first(session, unit):
    grant(session, unit, person(session, "李四"), TenureRole.HOUSEHOLD_MEMBER, relation=Relation.SPOUSE)
    grant(session, unit, person(session, "王五"), TenureRole.TENANT)
    grant(session, unit, person(session))
    assert [t.person.name for t in household_of(session, unit.id)] == ["张三", "王五", "李四"]


def test_labels_of_a_unit_follow_from_facts(session, unit, today):
    assert labels_of(session, [unit]) == {unit.id: []}
    owner = grant(session, unit, person(session), unit_use=UnitUse.OWNER_OCCUPIED)
    assert labels_of(session, [unit])[unit.id] == [UnitLabel.OWNER_OCCUPIED]
    services.note_move_in(session, unit_id=unit.id, on=today, actor=current_actor())
    assert owner.moved_in_on == today
    assert labels_of(session, [unit])[unit.id] == [UnitLabel.HANDED_OVER, UnitLabel.OWNER_OCCUPIED]
    grant(
        session,
        unit,
        person(session, "王五"),
        TenureRole.TENANT,
        valid_from=today,
        lease_until=today + timedelta(days=30),
    )
    assert labels_of(session, [unit])[unit.id] == [UnitLabel.HANDED_OVER, UnitLabel.LET]
    later = today + timedelta(days=31)
    assert labels_of(session, [unit], later)[unit.id] == [UnitLabel.HANDED_OVER, UnitLabel.OWNER_OCCUPIED]


def test_consents_are_given_to_the_newest_notice_and_can_be_withdrawn(session):
    who = person(session)
    consent = services.give_consent(session, who, actor=current_actor())
    assert consent.notice.notice_version == "1.0"
    assert has_consent(session, who.id)
    assert not has_consent(session, who.id, ConsentScope.BANK_ACCOUNT)
    services.withdraw_consent(session, consent, actor=current_actor())
    assert not has_consent(session, who.id)


def test_a_child_under_14_needs_the_guardian_s_consent(session, today):
    child = person(session, "小明", birth_date=today.replace(year=today.year - 10, day=1))
    with pytest.raises(InvalidValue, match="guardian"):
        services.give_consent(session, child, actor=current_actor())
    assert (
        services.give_consent(session, child, guardian=person(session), actor=current_actor()).guardian.name == "张三"
    )


@pytest.fixture
def revealed(session: Any) -> SimpleNamespace:
    who = person(session, mobile="13812345678", id_kind=IdKind.RESIDENT_ID, id_no=ID_A)
    session.commit()
    return SimpleNamespace(person=who, address=f"/reveal/person/{who.id}/mobile")


def test_numbers_show_masked_on_every_page(client_of, revealed):
    client = client_of("receptionist")
    for address in (
        "/persons/",
        f"/persons/{revealed.person.id}",
        f"/persons/{revealed.person.id}/edit",
        "/persons/export.csv",
    ):
        page = client.get(address).get_data(as_text=True)
        assert "13812345678" not in page
        assert ID_A not in page
    assert "138****5678" in client.get("/persons/").get_data(as_text=True)


def test_a_reveal_needs_a_reason_and_is_logged_with_it(client_of, session, revealed):
    client = client_of("receptionist")
    refused = client.post(revealed.address, data={"reason": " "})
    assert refused.status_code == 422
    assert "13812345678" not in refused.get_data(as_text=True)
    for _time in range(2):
        shown = client.post(revealed.address, data={"reason": "Owner asked to be called back"})
        assert "13812345678" in shown.get_data(as_text=True)
        assert shown.headers["Cache-Control"] == "no-store"
    entries = session.scalars(select(AuditEntry).where(AuditEntry.kind == "reveal")).all()
    assert [(e.record_id, e.note, e.changes) for e in entries] == [
        (revealed.person.id, "Owner asked to be called back", {"column": [None, "mobile"]})
    ] * 2
    assert entries[0].actor_name != "system"


@pytest.mark.parametrize("who", ["technician", "neighbour"])
def test_without_the_right_or_in_another_estate_there_is_nothing_to_reveal(client_of, revealed, who):
    assert client_of(who).post(revealed.address, data={"reason": "I want to know"}).status_code == 404


@pytest.mark.parametrize("place", ["person/{}/name", "person/999999/mobile", "ab_user/1/password", "nonsense/1/x"])
def test_only_encrypted_columns_of_records_can_be_revealed(client_of, revealed, place):
    address = f"/reveal/{place.format(revealed.person.id)}"
    assert client_of("receptionist").post(address, data={"reason": "I want to know"}).status_code == 404


def test_looking_takes_a_post(client_of, revealed):
    assert client_of("receptionist").get(revealed.address).status_code in (404, 405)


def test_who_may_not_write_is_refused(session, actor_of, unit):
    with pytest.raises(NotAllowed):
        services.register_person(session, {"name": "张三"}, actor=actor_of("technician"))


def test_the_tenure_page_ends_and_changes_the_use(client_of, session, unit, today):
    tenure = grant(session, unit, person(session), unit_use=UnitUse.VACANT)
    session.commit()
    client = client_of("receptionist")
    page = client.get(f"/tenures/{tenure.id}").get_data(as_text=True)
    assert f'action="/tenures/{tenure.id}/end"' in page
    moved = client.post(f"/tenures/{tenure.id}/use", data={"use": "let", "day": today.isoformat()})
    assert moved.status_code == 302
    (current,) = owners_of(session, unit.id)
    assert current.unit_use is UnitUse.LET
    client.post(f"/tenures/{current.id}/end", data={"day": today.isoformat()})
    session.expire_all()
    assert current.valid_to == today


def test_a_tenure_is_entered_on_the_form_with_a_share_as_people_write_it(client_of, session, unit):
    who = person(session)
    session.commit()
    data = {"unit_id": unit.id, "person_id": who.id, "role": "owner", "share": "50%"}
    answer = client_of("receptionist").post("/tenures/new", data=data)
    assert answer.status_code == 302, answer.get_data(as_text=True)[-3000:]
    assert owners_of(session, unit.id)[0].share == Fraction(1, 2)
    wrong = client_of("receptionist").post("/tenures/new", data=data | {"share": "150%"})
    assert wrong.status_code == 422
    assert "150%" in wrong.get_data(as_text=True)


@pytest.mark.parametrize(("text", "found"), [("zs", True), ("5678", True), ("李四", False)])
def test_the_list_is_searched_by_initials_and_numbers(client_of, revealed, text, found):
    page = client_of("receptionist").get("/persons/", query_string={"q": text}).get_data(as_text=True)
    assert (f'href="/persons/{revealed.person.id}"' in page) is found
