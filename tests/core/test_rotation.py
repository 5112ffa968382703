"""Key rotation writes every personal value anew and loses none."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Text, select, type_coerce

import config
from app.core.access.actor import acting, system_actor
from app.core.access.rotation import rotate
from app.core.records.estate import Estate
from app.extensions import db
from tests.conftest import migrated_app, new_database

pytestmark = pytest.mark.slow


def test_rotation_rewrites_values_that_stay_readable_and_findable(tmp_path: Path) -> None:
    from app.modules.people.models import Person

    for address in new_database(tmp_path):
        app = migrated_app(config.Settings(instance_dir=tmp_path, database_url=address))
        with app.app_context(), acting(system_actor()):
            estate = Estate(code="R", name_zh="轮换", name_en="Rotation", company_zh="公司", company_en="Company")
            db.session.add(estate)
            db.session.flush()
            db.session.add(Person(estate_id=estate.id, name="张三", mobile="13800001234"))
            db.session.commit()
            stored = select(type_coerce(Person.mobile, Text))
            before = db.session.scalar(stored)
            version = db.session.scalar(select(Person.version))

            assert rotate(db.session) >= 1

            after = db.session.scalar(stored)
            db.session.expire_all()
            person = db.session.scalars(select(Person).where(Person.secret_is("mobile", "13800001234"))).one()
            assert after != before
            assert (person.mobile, person.version) == ("13800001234", version)
            db.session.remove()
            db.engine.dispose()
