"""What the database refuses about people, and how their names and numbers are kept."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app.core.audit.models import AuditEntry
from app.modules.estates.models import Building, Unit
from app.modules.people.models import (
    Consent,
    CoOwnership,
    IdKind,
    Person,
    PersonKind,
    PersonReading,
    PrivacyNotice,
    Tenure,
    TenureRole,
    UnitUse,
)
from app.modules.people.queries import UnitLabel


@pytest.fixture
def home(session: Any) -> SimpleNamespace:
    unit = Unit(
        estate_id=1, building=Building(estate_id=1, code="1"), number="101", code="1-101", gross_area=Decimal(100)
    )
    person = Person(
        estate_id=1, name="曾　强", mobile="138 1234 5678", id_kind=IdKind.RESIDENT_ID, id_no="000000199003071236"
    )
    session.add_all([unit, person])
    session.flush()
    return SimpleNamespace(unit=unit, person=person)


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"share_numerator": 3, "share_denominator": 2}, "share_between_0_and_1"),
        ({"share_numerator": 0, "share_denominator": 2}, "share_between_0_and_1"),
        ({"share_numerator": 1}, "share_between_0_and_1"),
        ({"valid_from": date(2026, 2, 1), "valid_to": date(2026, 1, 1)}, "ends_after_start"),
        (
            {"role": TenureRole.TENANT, "valid_from": date(2026, 2, 1), "lease_until": date(2026, 1, 1)},
            "lease_ends_after_start",
        ),
        ({"role": TenureRole.TENANT, "unit_use": UnitUse.LET}, "shares_and_use_only_of_owners"),
        ({"role": TenureRole.OCCUPANT, "co_ownership": CoOwnership.JOINT}, "shares_and_use_only_of_owners"),
        ({"lease_until": date(2026, 1, 1)}, "lease_only_of_tenants"),
    ],
)
def test_impossible_tenures_are_refused(session, home, facts, rule):
    session.add(Tenure(**{"estate_id": 1, "unit": home.unit, "person": home.person, "role": TenureRole.OWNER} | facts))
    with pytest.raises(IntegrityError, match=rule):
        session.flush()
    session.rollback()


def test_only_organisations_have_a_credit_code(session):
    session.add(Person(estate_id=1, name="张三", credit_code="91350100M000100Y43"))
    with pytest.raises(IntegrityError, match="credit_code_only_of_organisations"):
        session.flush()
    session.rollback()
    session.add(Person(estate_id=1, name="某某公司", kind=PersonKind.ORGANISATION, credit_code="91350100M000100Y43"))
    session.flush()


def test_nobody_is_their_own_guardian_and_no_consent_ends_before_it_is_given(session, home):
    notice = session.scalars(select(PrivacyNotice).where(PrivacyNotice.estate_id == 1)).one()
    facts = {"estate_id": 1, "person": home.person, "notice": notice}
    for wrong, rule in (
        ({"guardian": home.person}, "guardian_is_another"),
        ({"withdrawn_at": datetime(2020, 1, 1, tzinfo=UTC)}, "withdrawn_after_given"),
    ):
        with session.begin_nested() as attempt:
            session.add(Consent(**facts, **wrong))
            with pytest.raises(IntegrityError, match=rule):
                session.flush()
            attempt.rollback()


def test_names_are_kept_in_one_spelling_with_every_reading(session, home):
    person = home.person
    assert (person.name, person.name_key, person.pinyin, person.initials) == ("曾 强", "曾强", "zengqiang", "zq")
    assert "cengqiang" in [reading.key for reading in person.readings]
    person.name = "张三"
    session.flush()
    assert session.scalars(select(PersonReading.key).where(PersonReading.person_id == person.id)).all() == []
    assert person.initials == "zs"


def test_numbers_are_encrypted_masked_and_never_in_the_change_log(session, home):
    stored = session.execute(text("SELECT id_no, mobile FROM person WHERE id = :id"), {"id": home.person.id}).one()
    assert "1234" not in stored.mobile
    assert "1990" not in stored.id_no
    assert (home.person.masked_id, home.person.masked_mobile) == ("000000********1236", "138****5678")
    entry = session.scalars(
        select(AuditEntry).where(AuditEntry.record_type == "person", AuditEntry.record_id == home.person.id)
    ).one()
    assert entry.changes["mobile"][1].startswith("#")
    assert "13812345678" not in str(entry.changes)


def test_every_stated_use_has_its_label():
    assert {use.value for use in UnitUse} <= {label.value for label in UnitLabel}
