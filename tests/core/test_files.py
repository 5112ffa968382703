"""Files: kept once and encrypted, opened only through their record, archived and never deleted."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pikepdf
import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.core.access.actor import system_actor
from app.core.files import services, store
from app.core.files.models import Attachment, StoredFile
from app.core.records.identifiers import InvalidValue
from tests.core.conftest import png

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
SYSTEM = system_actor(estate_id=1)


def paths(app: Flask) -> list[Path]:
    return [path for path in app.config["GUANJIA"].files_dir.rglob("*") if path.is_file()]


def test_a_content_is_stored_once_under_all_its_names(app: Flask, session: Any, building: Any, upload: Any) -> None:
    data = PDF + b"once"
    first = services.attach(session, building, upload("装修图纸 A座.pdf", data), kind="drawing", actor=SYSTEM)
    second = services.attach(session, building, upload("copy.pdf", data), kind="drawing", actor=SYSTEM)
    assert (first.name, second.name) == ("装修图纸 A座.pdf", "copy.pdf")
    assert first.stored_file_id == second.stored_file_id
    assert services.read(second) == data
    assert len([path for path in paths(app) if path.name == store.digest(data)]) == 1


def test_nothing_readable_lies_on_the_disk_and_no_half_file_stays(
    app: Flask, session: Any, building: Any, upload: Any
) -> None:
    kept = services.attach(session, building, upload("a.pdf", PDF + b"110105194912310021"), kind="scan", actor=SYSTEM)
    assert all(b"110105194912310021" not in path.read_bytes() for path in paths(app))
    assert not [path for path in paths(app) if path.name.startswith(".")]
    place = next(path for path in paths(app) if path.name == kept.stored_file.sha256)
    stored = place.read_bytes()
    place.write_bytes(stored[:-1] + bytes([stored[-1] ^ 1]))
    with pytest.raises(store.StoreError):
        services.read(kept)


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        store.write(tmp_path, "ab" * 32, b"data", store.new_key())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_content_left_by_a_rolled_back_transaction_is_written_anew(session: Any, app: Flask) -> None:
    data = PDF + b"rolled back"
    nested = session.begin_nested()
    services.keep(session, data, "application/pdf")
    nested.rollback()
    assert services.content(services.keep(session, data, "application/pdf")) == data


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("page.html", b"<script>alert(1)</script>"),
        ("photo.png", b"<svg/>"),
        ("scan.jpg", PDF),
        ("empty.pdf", b""),
        ("", PDF),
    ],
)
def test_unfit_files_are_refused(session: Any, building: Any, upload: Any, name: str, data: bytes) -> None:
    with pytest.raises(InvalidValue):
        services.attach(session, building, upload(name, data), kind="scan", actor=SYSTEM)


def test_a_file_over_the_limit_is_refused(app: Flask, session: Any, building: Any, upload: Any) -> None:
    data = PDF + bytes(app.config["GUANJIA"].upload_megabytes * 1024 * 1024)
    with pytest.raises(InvalidValue, match="MB"):
        services.attach(session, building, upload("big.pdf", data), kind="scan", actor=SYSTEM)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\Users\\张三\\房产证.pdf", "房产证.pdf"),
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("a\u202efdp.exe\n.pdf", "afdp.exe.pdf"),
        ("长" * 300 + ".pdf", "长" * 146 + ".pdf"),
    ],
)
def test_names_stay_readable_and_harmless(given: str, kept: str) -> None:
    assert services.clean_name(given) == kept


def test_photos_lose_camera_data(session: Any, building: Any, upload: Any) -> None:
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x010E] = "taken in the bedroom"
    Image.new("RGB", (30, 20), "red").save(out, "JPEG", exif=exif)
    photo = services.attach(session, building, upload("缺陷.jpg", out.getvalue()), kind="photo", actor=SYSTEM)
    assert b"bedroom" in out.getvalue() and b"bedroom" not in services.read(photo)


def drawing(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


def test_a_drawn_signature_is_kept_with_role_and_name(session: Any, building: Any) -> None:
    first = services.attach_signature(session, building, drawing(png()), role="owner", name="张三丰", actor=SYSTEM)
    again = services.attach_signature(
        session, building, drawing(png(size=(50, 20))), role="owner", name="张三丰", actor=SYSTEM
    )
    assert (first.kind, first.role, first.signer, first.name) == ("signature", "owner", "张三丰", "张三丰.png")
    assert services.signature_of(session, building, "owner") is again
    assert services.signature_of(session, building, "agent") is None


@pytest.mark.parametrize(
    "given",
    [drawing(png(drawn=False)), drawing(b"GIF89a"), "data:image/png;base64,%%%", "javascript:alert(1)", "",
     drawing(png(size=(1, 1)) * 9000)],
)  # fmt: skip
def test_what_is_no_drawn_signature_is_refused(session: Any, building: Any, given: str) -> None:
    with pytest.raises(InvalidValue):
        services.attach_signature(session, building, given, role="owner", name="张三丰", actor=SYSTEM)


def test_archiving_wants_a_reason_and_keeps_the_content(session: Any, building: Any, upload: Any) -> None:
    kept = services.attach(session, building, upload("a.pdf", PDF), kind="scan", actor=SYSTEM)
    with pytest.raises(InvalidValue):
        services.archive_attachment(session, kept, reason=" ", actor=SYSTEM)
    services.archive_attachment(session, kept, reason="wrong unit", actor=SYSTEM)
    assert services.attachments_of(session, building) == []
    assert services.read(kept) == PDF


def test_the_database_refuses_an_archived_file_without_reason(session: Any, building: Any, upload: Any) -> None:
    kept = services.attach(session, building, upload("a.pdf", PDF), kind="scan", actor=SYSTEM)
    kept.archive_reason = "because"
    with pytest.raises(IntegrityError):
        session.flush()


def test_a_file_is_opened_under_its_chinese_name_and_never_run(
    client_of: Callable[[str], Any], session: Any, building: Any, kind: Any, upload: Any
) -> None:
    kept = services.attach(session, building, upload("房产证 正面.png"), kind="scan", actor=SYSTEM)
    answer = client_of("receptionist").get(f"/files/{kept.id}/x")
    assert answer.status_code == 200 and answer.mimetype == "image/png"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert f"filename*=UTF-8''{quote('房产证 正面.png')}" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_files_follow_the_right_on_their_record(
    client_of: Callable[[str], Any], session: Any, building: Any, foreign_building: Any, kind: Any, upload: Any,
    app: Flask, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    own = services.attach(session, building, upload("a.pdf", PDF), kind="scan", actor=SYSTEM)
    foreign = services.attach(session, foreign_building, upload("b.pdf", PDF), kind="scan", actor=SYSTEM)
    receptionist = client_of("receptionist")
    assert receptionist.get(f"/files/{own.id}/a.pdf").status_code == 200
    assert receptionist.get(f"/files/{foreign.id}/b.pdf").status_code == 404
    assert receptionist.get("/files/999999/x").status_code == 404
    assert app.test_client().get(f"/files/{own.id}/a.pdf").status_code in (302, 401)
    monkeypatch.setitem(app.extensions["guanjia"].resources, "building", "Nobody")
    assert receptionist.get(f"/files/{own.id}/a.pdf").status_code == 404


def test_the_first_page_of_a_pdf_is_shown_as_a_picture_to_who_may_read_it(
    client_of: Callable[[str], Any], session: Any, building: Any, foreign_building: Any, kind: Any, upload: Any
) -> None:
    sheet = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page(page_size=(300, 150))
        document.save(sheet)
    own = services.attach(session, building, upload("plan.pdf", sheet.getvalue()), kind="scan", actor=SYSTEM)
    foreign = services.attach(
        session, foreign_building, upload("plan.pdf", sheet.getvalue()), kind="scan", actor=SYSTEM
    )
    photo = services.attach(session, building, upload("roof.png"), kind="scan", actor=SYSTEM)
    client = client_of("receptionist")
    answer = client.get(f"/files/{own.id}/picture.png")
    with Image.open(io.BytesIO(answer.data)) as picture:
        assert (answer.mimetype, picture.size) == ("image/png", (1200, 600))
    assert client.get(f"/files/{foreign.id}/picture.png").status_code == 404
    assert client.get(f"/files/{photo.id}/picture.png").status_code == 404


def test_upload_and_archive_by_form(
    client_of: Callable[[str], Any], session: Any, building: Any, foreign_building: Any, kind: Any
) -> None:
    manager = client_of("manager")
    form = {"kind": "photo", "note": "roof", "next": "/", "file": (io.BytesIO(png()), "屋顶.png")}
    answer = manager.post(f"/files/attach/building/{building.id}", data=form, content_type="multipart/form-data")
    assert answer.status_code == 302
    kept = session.scalars(select(Attachment).where(Attachment.record_id == building.id)).one()
    assert (kept.name, kept.kind, kept.note) == ("屋顶.png", "photo", "roof")

    manager.post(f"/files/{kept.id}/archive", data={"reason": "", "next": "/"})
    assert session.get(Attachment, kept.id).archived_at is None
    manager.post(f"/files/{kept.id}/archive", data={"reason": "wrong roof", "next": "/"})
    assert session.get(Attachment, kept.id).archived_at is not None

    for address in (f"building/{foreign_building.id}", "ab_user/1", "nothing/1"):
        form = {"kind": "photo", "file": (io.BytesIO(png()), "a.png")}
        answer = manager.post(f"/files/attach/{address}", data=form, content_type="multipart/form-data")
        assert answer.status_code == 404
    count = session.scalar(select(func.count(StoredFile.id)))
    form = {"kind": "signature", "file": (io.BytesIO(png(size=(99, 99))), "a.png"), "next": "/"}
    manager.post(f"/files/attach/building/{building.id}", data=form, content_type="multipart/form-data")
    assert session.scalar(select(func.count(StoredFile.id))) == count
