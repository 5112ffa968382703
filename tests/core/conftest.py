"""A paper kind and records for the tests of files, papers and jobs; and an application whose commits are real."""

from __future__ import annotations

import dataclasses
import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from PIL import Image, ImageDraw
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

import config
from app.core.access.accounts import create_account
from app.core.access.actor import acting, system_actor
from app.core.access.models import Account
from app.core.access.roles import Role
from app.core.papers.kind import PaperKind
from app.core.papers.template import load_paper
from app.core.records.estate import Estate
from app.extensions import db
from app.modules.estates.models import Building
from tests.conftest import migrated_app, new_database
from tests.core.messages import mail_set_up, told_event, told_record  # noqa: F401  (fixtures)

FOLDER = Path("app/modules/movein/papers/inspection_signoff").resolve()


def signoff(building: Building, header: Any) -> Any:
    """The sample inspection sign-off with the building's name as remarks."""
    sample = load_paper(FOLDER).samples(header.language)["typical"]
    header = dataclasses.replace(header, unit_code=building.code)
    return dataclasses.replace(sample, header=header, remarks=building.name_zh)


KIND = PaperKind(
    code="X1", title_zh="验房签收记录", title_en="Inspection sign-off", folder=FOLDER, record_type="building",
    resource="MoveInCase", context=signoff, unit=lambda building: None,
)  # fmt: skip


def add_kind(app: Flask) -> None:
    registry = app.extensions["guanjia"]
    registry.papers["X1"] = KIND
    registry.guard("building", "MoveInCase")


@pytest.fixture
def kind(app: Flask, monkeypatch: pytest.MonkeyPatch) -> PaperKind:
    registry = app.extensions["guanjia"]
    monkeypatch.setitem(registry.papers, "X1", KIND)
    monkeypatch.setitem(registry.resources, "building", "MoveInCase")
    return KIND


@pytest.fixture
def building(session: Any) -> Building:
    return _building(session, 1)


@pytest.fixture
def foreign_building(session: Any) -> Building:
    return _building(session, 2)


def _building(session: Any, estate_id: int) -> Building:
    made = Building(estate_id=estate_id, code=f"K{estate_id}", name_zh="望江楼")
    session.add(made)
    session.flush()
    return made


@pytest.fixture(scope="module")
def live(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application over a database of its own, for what only real commits and several connections show."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copy(app.config["GUANJIA"].keys_file, folder)  # a process has one keyring
    for address in new_database(folder):
        own = migrated_app(config.Settings(instance_dir=folder, database_url=address, language="en"))
        add_kind(own)
        with own.app_context(), acting(system_actor()):
            estate = Estate(code="L1", name_zh="江湾", name_en="River Bend", company_zh="安居物业", company_en="Anju")
            db.session.add(estate)
            db.session.flush()
            db.session.add(Building(estate_id=estate.id, code="K1", name_zh="望江楼"))
            create_account(
                db.session, username="rita", name="Rita", password="correct-horse-9", roles=[Role.RECEPTIONIST],
                estates=[estate], language="en", actor=system_actor(),
            )  # fmt: skip
            db.session.commit()
        yield own
        with own.app_context():
            db.engine.dispose()


@pytest.fixture
def desk(live: Flask) -> Iterator[SimpleNamespace]:
    """``session``, ``building`` and ``rita`` (an actor) of the live application; the system acts in its estate."""
    with live.app_context():
        with acting(system_actor()):
            building = db.session.scalars(select(Building)).one()
            account = db.session.scalars(select(Account).where(Account.username == "rita")).one()
            estate_id, user_id = building.estate_id, account.id
        with acting(system_actor(estate_id=estate_id)) as actor:
            rita = dataclasses.replace(actor, user_id=user_id, name="Rita")
            yield SimpleNamespace(app=live, session=db.session, building=building, actor=actor, rita=rita)
            db.session.rollback()


@pytest.fixture
def upload() -> Callable[..., FileStorage]:
    """``upload("name.pdf", b"…")``; without content a small PNG."""

    def make(name: str, data: bytes | None = None) -> FileStorage:
        return FileStorage(io.BytesIO(png() if data is None else data), filename=name)

    return make


def png(drawn: bool = True, size: tuple[int, int] = (40, 20)) -> bytes:
    """A white picture with a stroke, or without."""
    picture = Image.new("RGB", size, "white")
    if drawn:
        ImageDraw.Draw(picture).line((3, 3, 30, 15), fill="black", width=2)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
