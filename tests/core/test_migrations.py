"""Migrations build exactly the schema of the models, on filled databases too, and lead back again."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, inspect, select

import config
from app.core.access.actor import acting, system_actor
from app.core.audit.log import verify
from app.core.audit.models import AuditEntry
from app.extensions import db
from tests.conftest import furnish, migrated_app, new_database

pytestmark = pytest.mark.slow


def is_of_the_product(thing: object, name: str, kind: str, *rest: object) -> bool:
    """Tables of the product; tests of the screens add toys of their own to the same metadata."""
    return not (kind == "table" and name.startswith("toy_"))


def test_up_down_and_up_again_with_data(tmp_path: Path) -> None:
    from flask_migrate import downgrade, upgrade

    for address in new_database(tmp_path):
        app = migrated_app(config.Settings(instance_dir=tmp_path, database_url=address))
        with app.app_context(), acting(system_actor()):
            furnish(app)
            db.session.commit()
            with db.engine.connect() as connection:
                context = MigrationContext.configure(
                    connection, opts={"compare_type": False, "include_object": is_of_the_product}
                )
                assert compare_metadata(context, db.metadata) == []
            rows = db.session.scalar(select(func.count()).select_from(AuditEntry))
            db.session.remove()
            upgrade()
            assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == rows
            assert verify(db.session) is None
            db.session.remove()
            downgrade(revision="base")
            assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
            upgrade()
            db.session.remove()
            db.engine.dispose()
