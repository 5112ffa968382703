"""Files with what a list shows: streamed in scope and masked, whole or visibly broken, large ones in the background."""

from __future__ import annotations

import csv
import io
import tracemalloc
from datetime import timedelta

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook
from werkzeug.http import parse_options_header
from werkzeug.wrappers import Response

from app.core.access.actor import acting, acting_person, system_actor
from app.core.exports import tables
from app.core.files.models import Attachment, StoredFile
from app.core.jobs import worker
from app.core.jobs.models import Job
from app.core.records.base import now
from app.extensions import db
from app.fab import exporting


def rows_of(answer):
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_a_stream_keeps_scope_and_masks_after_its_request(browser_of, stock, shop):
    for number in range(30):
        stock(f"A{number:02}", phone="13812345678")
    stock("X1", estate_id=2, shelf_id=3)
    clerk = browser_of("manager")
    parts = clerk.get("/toys/export.csv?columns=code&columns=phone", buffered=False).response
    first = next(parts)
    assert first.decode("utf-8-sig").splitlines() == ["Code,Phone"]  # sent before anything is read
    assert acting_person() is None
    stock("A99")
    text = b"".join(parts).decode()
    assert "X1" not in text and "13812345678" not in text and "A29,138****5678" in text
    assert acting_person() is None


def test_an_error_on_the_way_breaks_the_stream_off(browser_of, stock, shop, monkeypatch):
    for number in range(300):
        stock(f"A{number:03}")
    real, seen = exporting.ExportScreen.export_value, []

    def breaking(self, record, attribute):
        seen.append(record)
        if len(seen) > 250:
            raise RuntimeError("the disk is gone")
        return real(self, record, attribute)

    monkeypatch.setattr(exporting.ExportScreen, "export_value", breaking)
    parts = browser_of("manager").get("/toys/export.csv?columns=code", buffered=False).response
    with pytest.raises(RuntimeError, match="the disk is gone"):
        b"".join(parts)


def test_a_stream_is_of_one_moment_and_flat(browser_of, stock, shop, toys):
    stamp = now()
    with shop.app_context(), acting(system_actor(estate_id=1)):
        lines = [
            {"estate_id": 1, "code": f"K{n:05}", "shelf_id": 1, "ware": "cup", "created_at": stamp, "changed_at": stamp,
             "version": 1, "price": n, "fragile": True, "state": "new", "name": "", "note": ""}
            for n in range(8000)
        ]  # fmt: skip
        db.session.execute(sa.insert(toys.Item.__table__), lines)
        db.session.commit()
    parts = browser_of("manager").get("/toys/export.csv?columns=code", buffered=False).response
    found = [next(parts), next(parts)]
    with shop.app_context(), acting(system_actor()):
        db.session.execute(sa.delete(toys.Item).where(toys.Item.code > "K04000"))
        db.session.commit()
    tracemalloc.start()
    size = 0
    for part in parts:
        size += part.count(b"\n")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(part.count(b"\n") for part in found) + size == 8001  # what was deleted meanwhile is in it
    assert peak < 12_000_000


def test_large_workbooks_are_made_in_the_background_for_the_person_only(browser_of, stock, shop, monkeypatch):
    stock("A1", name="=1+1", phone="13812345678")
    stock("A2", seen_at=now().replace(year=2026, month=2, day=1, hour=15, minute=30, second=0, microsecond=0))
    stock("B1")
    monkeypatch.setattr(exporting, "DIRECT", 1)
    clerk, other = browser_of("manager"), browser_of("receptionist")
    page = clerk.get("/toys/export.xlsx?code=A&columns=code&columns=name&columns=seen_at")
    assert page.mimetype == "text/html" and "is made in the background" in page.text
    answer = clerk.post("/toys/export.xlsx?code=A&columns=code&columns=name&columns=seen_at")
    assert worker.run_next(shop)
    page = clerk.get(answer.location).text
    address = page.split('href="/files/')[1].split('"')[0]
    assert "2 lines. The file can be fetched for 7 days." in page
    sheet = load_workbook(io.BytesIO(clerk.get(f"/files/{address}").data)).active
    values = [[cell.value for cell in row] for row in sheet]
    assert (
        [row[0] for row in values] == ["Code", "A1", "A2"]
        and sheet["B2"].value == "=1+1"
        and sheet["B2"].data_type == "s"
    )
    assert values[2][2].strftime("%H:%M") == "23:30"  # the estate's time, as the list shows it
    assert other.get(f"/files/{address}").status_code == 404 and other.get(answer.location).status_code == 404
    with shop.app_context(), acting(system_actor()):
        exporting.forget_old_files(db.session)
        assert db.session.scalar(sa.select(sa.func.count(Attachment.id))) == 1
        db.session.execute(sa.update(Attachment).values(created_at=now() - exporting.KEPT - timedelta(hours=1)))
        file = db.session.scalars(sa.select(StoredFile)).one()
        place = shop.config["GUANJIA"].files_dir / file.sha256[:2] / file.sha256[2:4] / file.sha256
        assert place.exists()
        exporting.forget_old_files(db.session)
        assert not place.exists() and db.session.scalar(sa.select(sa.func.count(StoredFile.id))) == 0
        db.session.execute(sa.delete(Job))
        db.session.commit()
    assert clerk.get(f"/files/{address}").status_code == 404


def test_a_chinese_name_reaches_the_browser_whole() -> None:
    answer = Response()
    tables.offer(answer, "房屋-2026-11-21.csv")
    answer.headers["Content-Disposition"].encode("latin-1")  # what every server writes
    assert parse_options_header(answer.headers["Content-Disposition"])[1]["filename"] == "房屋-2026-11-21.csv"
