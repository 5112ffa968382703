"""``run.py estate create`` and ``run.py estate import`` on an installation of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

import config
from app.cli import commands
from app.core.access.actor import acting, system_actor
from app.extensions import db
from app.modules.estates.models import Unit
from app.modules.people.commands import estate
from app.modules.people.imports import WORKBOOK
from app.modules.people.models import PrivacyNotice
from tests.conftest import migrated_app, new_database

pytestmark = pytest.mark.slow

commands.add_command(estate)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("command")
    for address in new_database(folder):
        settings = config.Settings(instance_dir=folder, database_url=address, language="en")
        app = migrated_app(settings)
        yield app, settings
        with app.app_context():
            db.engine.dispose()


def run(installation, *words: object) -> Result:
    return CliRunner().invoke(commands, [str(word) for word in words], obj=installation[1])


def units(installation) -> int:
    with installation[0].app_context(), acting(system_actor()):
        return db.session.scalar(select(func.count(Unit.id))) or 0


def test_an_estate_is_created_and_its_workbook_imported(installation, tmp_path: Path):
    assert (
        run(installation, "estate", "create", "YQ", "--name-zh", "云栖花园", "--name-en", "Yunqi Gardens").exit_code
        == 0
    )
    assert "exists already" in run(installation, "estate", "create", "YQ", "--name-zh", "x", "--name-en", "x").output
    with installation[0].app_context(), acting(system_actor()):
        assert db.session.scalar(select(func.count(PrivacyNotice.id))) == 1

    errors = tmp_path / "errors.xlsx"
    dry = run(installation, "estate", "import", WORKBOOK, "--estate", "YQ", "--dry-run", "--errors", errors)
    assert dry.exit_code == 0, dry.output
    assert "房屋!H184\tRow not imported\tThe internal floor area 145.74 is larger" in dry.output
    assert "Units: 616 rows, 611 new, 0 changed, 0 unchanged, 5 not imported." in dry.output
    assert errors.read_bytes().startswith(b"PK")
    assert units(installation) == 0

    done = run(installation, "estate", "import", WORKBOOK, "--estate", "YQ")
    assert done.output.splitlines()[-1] == "Imported."
    assert done.output.replace("Imported.", "") == dry.output.replace("Dry run: nothing was changed.", "")
    assert units(installation) == 611


def test_an_unknown_estate_and_a_file_that_is_no_workbook_are_said(installation, tmp_path: Path):
    assert "There is no estate ZZ." in run(installation, "estate", "import", WORKBOOK, "--estate", "ZZ").output
    run(installation, "estate", "create", "AA", "--name-zh", "甲", "--name-en", "A")
    (tmp_path / "x.xlsx").write_bytes(b"hello")
    refused = run(installation, "estate", "import", tmp_path / "x.xlsx", "--estate", "AA")
    assert refused.exit_code == 1
    assert "cannot be read" in refused.output
