"""Alembic's environment: the schema of the running application's models, on either engine."""

from alembic import context
from flask import current_app

from app.core.records.base import UtcDateTime
from app.core.records.secrets import EncryptedText

database = current_app.extensions["migrate"].db


def _render(kind, value, autogen):
    """Write our column types as the plain types they are stored in."""
    if kind == "type" and isinstance(value, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(value, EncryptedText):
        return "sa.Text()"
    return False


def _include(thing, name, kind, reflected, compare_to):
    return not (kind == "table" and reflected and compare_to is None and name.startswith("sqlite_"))


def run_migrations() -> None:
    with database.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:  # tables are rebuilt by copying; references are checked again at the end
            _keep_references(connection, False)
        try:
            context.configure(
                connection=connection,
                target_metadata=database.metadata,
                render_item=_render,
                include_object=_include,
                render_as_batch=sqlite,
                compare_type=True,
            )
            with context.begin_transaction():
                context.run_migrations()
                if sqlite:
                    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                    if broken:
                        raise RuntimeError(f"the migration would leave broken references: {broken[:5]}")
        finally:
            if sqlite:
                _keep_references(connection, True)


def _keep_references(connection, on):
    """Outside any transaction, where alone SQLite obeys; the connection goes back to its pool as it came."""
    connection.rollback()
    connection.connection.driver_connection.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


run_migrations()
