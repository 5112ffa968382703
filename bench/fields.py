"""What fields without code cost: list and form of units with 20 of them, all filled in, beside those without.

``python -m bench.fields [UNITS]`` (default 200,000) on SQLite, and on PostgreSQL too under ``scripts/with-postgres.sh``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import event, func, select, text

import config
from bench.__main__ import PASSWORD, databases, folder, settle, timed
from bench.generate import fill, write_rows

TITLES = ("用电容量", "押金", "接线日期", "计量方式", "光伏", "水表备注", "装修档次", "电梯厅", "朝向", "附加说明")
LISTED = 3
"""Fields that are columns of the list without being chosen."""


def main() -> None:
    units = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    for name, address in databases():
        with folder() as place:
            measure(name, address or f"sqlite:///{place / 'bench.sqlite3'}", place, units)


def measure(name: str, address: str, place: Path, units: int) -> None:
    """Fill one database and print a line per page, before and after the fields are added."""
    from flask_migrate import upgrade

    from app import create_app
    from app.core.access.accounts import create_account
    from app.core.access.actor import acting, system_actor
    from app.core.access.roles import Role
    from app.core.access.sync import sync_permissions
    from app.core.fields.models import CustomValue
    from app.core.registry import registry
    from app.extensions import db
    from app.modules.estates.models import Unit
    from app.modules.estates.services import create_estate

    app = create_app(config.Settings(instance_dir=place, database_url=address))
    statements: list[str] = []
    with app.app_context(), acting(system_actor()) as actor:
        upgrade()
        sync_permissions(db.session, registry().rights)
        estate = create_estate(
            db.session, actor=actor, code="B", name_zh="测速", name_en="Bench", company_zh="公司", company_en="Company"
        )
        create_account(
            db.session,
            username="bench",
            name="Bench",
            password=PASSWORD,
            roles=[Role.MANAGER],
            estates=[estate],
            actor=actor,
        )
        estate_id = estate.id
        db.session.commit()
        fill(db.engine, estate_id, units=units, persons=1000)
        settle(db.engine)
        first = db.session.scalar(select(func.min(Unit.id))) or 0
        event.listen(db.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
        db.session.remove()
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.post("/login/", data={"username": "bench", "password": PASSWORD})
    pages = {"list": "/units/", "list, page 100": "/units/?page=100", "form": f"/units/{first + units // 2}/edit"}
    print(f"\n{name}: {units:,} units without added fields")
    for label, path in pages.items():
        timed(label, partial(client.get, path), statements)
    with app.app_context(), acting(system_actor(estate_id=estate_id)) as actor:
        known = add_fields(db.session, actor)
        db.session.commit()
        with db.engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                # KB: the indexes stay in memory while they grow
                connection.execute(text("PRAGMA cache_size = -400000"))
            write_rows(connection, CustomValue.__table__, values(estate_id, known, first, units))
        settle(db.engine)
        db.session.remove()
    print(f"{name}: with {len(known)} fields, {LISTED} of them listed, {units * len(known):,} values")
    pages |= {
        "list, 20 columns more": "/units/?"
        + "&".join(f"columns={c}" for c in ("code", *(f"x_{f}" for _n, f, _k in known))),
        "filter: rare text": "/units/?x_f5=7777",
        "filter: choice": "/units/?x_f3=b",
        "filter: amount": "/units/?x_f1.from=900&x_f1.to=905",
        "filter: empty": "/units/?x_f0.is=empty",
        "sort a filtered list": "/units/?x_f1.from=900&x_f1.to=905&sort=x_f2",
        "search box": "/search?q=note+7777",
    }
    for label, path in pages.items():
        timed(label, partial(client.get, path), statements)
    with app.app_context():
        db.engine.dispose()


def add_fields(session: Any, actor: Any) -> list[tuple[int, str, Any]]:
    """Twenty fields of units: id, code, kind."""
    from app.core.fields.models import FieldKind
    from app.core.fields.services import add_field

    kinds = (
        FieldKind.NUMBER, FieldKind.MONEY, FieldKind.DATE, FieldKind.CHOICE, FieldKind.YES_NO, FieldKind.TEXT,
        FieldKind.CHOICE, FieldKind.YES_NO, FieldKind.CHOICE, FieldKind.TEXT,
    )  # fmt: skip
    choices = [{"code": c, "title_zh": f"选项{c}", "title_en": f"Option {c}"} for c in "abcdef"]
    made = []
    for number in range(20):
        kind, title = kinds[number % 10], TITLES[number % 10] + str(number // 10 or "")
        row = add_field(
            session,
            {
                "record_type": "unit", "code": f"f{number}", "kind": kind, "title_zh": title, "title_en": f"Field {number}",
                "section_zh": f"第{number // 10 + 1}组", "section_en": f"Group {number // 10 + 1}",
                "listed": number < LISTED, "searched": kind is FieldKind.TEXT,
                **({"choices": choices} if kind is FieldKind.CHOICE else {}),
            },
            actor=actor,
        )  # fmt: skip
        made.append((row.id, row.code, kind))
    return made


def values(estate_id: int, known: list[tuple[int, str, Any]], first: int, units: int) -> Iterator[dict[str, Any]]:
    """A value of every field for every unit."""
    day = date(2026, 1, 1)
    for field_id, _code, kind in known:  # field by field, as the indexes lie
        for number in range(units):
            row: dict[str, Any] = {
                "estate_id": estate_id, "field_id": field_id, "record_type": "unit", "record_id": first + number,
            }  # fmt: skip
            if kind.value == "text":
                row["text"] = f"note {number}"
            elif kind.value == "choice":
                row["text"] = "abcdef"[(number + field_id) % 6]
            elif kind.value == "date":
                row["day"] = day + timedelta(days=number % 700)
            elif kind.value == "yes_no":
                row["yes"] = number % 3 == 0
            else:
                row["number"] = Decimal(number % 1000)
            yield row


if __name__ == "__main__":
    main()
