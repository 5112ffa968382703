"""Attaching files to records, reading them, archiving them; signatures drawn on the screen."""

from __future__ import annotations

import base64
import binascii
import io
import mmap
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from PIL import Image
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor
from app.core.files import store
from app.core.files.models import Attachment, StoredFile
from app.core.files.sniff import media_type, reencode_image
from app.core.records.base import now
from app.core.records.identifiers import InvalidValue

MAX_SIGNATURE = 1_000_000
"""Characters a signature's data URL may have; a drawing of a name is a few kilobytes."""

_UNSAFE = re.compile(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def keep(session: Session, data: bytes | mmap.mmap, media: str) -> StoredFile:
    """The stored file with this content, added now when the store does not have it yet.

    The row is inserted first: its unique hash holds off anybody who stores the same content at the same time, so that
    the file on disk always fits the key in the row that stays.
    """
    sha256 = store.digest(data)
    known = select(StoredFile).where(StoredFile.sha256 == sha256)
    if found := session.scalar(known):
        return found
    file = StoredFile(sha256=sha256, size=len(data), media_type=media, data_key=store.new_key())
    try:
        with session.begin_nested():
            session.add(file)
    except IntegrityError:  # another transaction stored it first
        return session.scalars(known).one()
    store.write(_folder(), sha256, data, file.data_key)
    return file


def content(file: StoredFile) -> bytes:
    """The bytes of a stored file. Raises ``StoreError`` when the store lost or changed them."""
    return store.read(_folder(), file.sha256, file.data_key)


def attach(
    session: Session, record: Any, upload: FileStorage, *, kind: str, actor: Actor, note: str = "", role: str = ""
) -> Attachment:
    """Keep an uploaded file as attachment of ``record`` (or of a job), in the record's estate.

    The type is told by content; images are written anew without camera data. Raises :class:`InvalidValue` for a file
    that is empty, too large (setting ``upload_megabytes``) or of a kind we don't keep. Whoever calls checks the right.
    ``role``: of a file in a field, the field's code.
    """
    name = clean_name(upload.filename or "")
    limit = current_app.config["GUANJIA"].upload_megabytes
    data = upload.stream.read(limit * 1024 * 1024 + 1)
    if len(data) > limit * 1024 * 1024:
        raise InvalidValue(_l("The file is larger than %(limit)s MB.", limit=limit))
    media = media_type(data, name)
    if media.startswith("image/") and media not in ("image/vnd.dwg", "image/vnd.dxf"):
        data = reencode_image(data)
    stored = keep(session, data, media)
    return _add(session, record, stored, name=name, kind=kind, note=note.strip(), role=role, actor=actor)


def attach_made(
    session: Session, record: Any, data: bytes | mmap.mmap, *, name: str, media: str, kind: str, actor: Actor
) -> Attachment:
    """Keep a file that the program itself made as attachment of ``record``: as it is, however large."""
    return _add(session, record, keep(session, data, media), name=clean_name(name), kind=kind, note="", actor=actor)


def attach_signature(session: Session, record: Any, data_url: str, *, role: str, name: str, actor: Actor) -> Attachment:
    """Keep a signature drawn on the screen, given as the PNG data URL of its canvas.

    ``role``: in which capacity (``owner``, ``agent``, ``staff`` …); ``name``: whose signature it is. A later one in
    the same role is a further attachment; :func:`signature_of` gives the newest. Raises :class:`InvalidValue` when
    nothing was drawn, no name is given or the text is no PNG picture.
    """
    if not name.strip():
        raise InvalidValue(_l("Say who signs."))
    prefix = "data:image/png;base64,"
    if not data_url.startswith(prefix) or len(data_url) > MAX_SIGNATURE:
        raise InvalidValue(_l("The signature did not arrive; please sign again."))
    try:
        data = base64.b64decode(data_url.removeprefix(prefix), validate=True)
    except binascii.Error:
        raise InvalidValue(_l("The signature did not arrive; please sign again.")) from None
    media = media_type(data, "signature.png")
    data = reencode_image(data)
    if _is_blank(data):
        raise InvalidValue(_l("The signature is empty; please sign in the box."))
    file_name = clean_name(f"{name.strip()}.png")
    return _add(
        session, record, keep(session, data, media),
        name=file_name, kind="signature", role=role, signer=name.strip(), actor=actor,
    )  # fmt: skip


def read(attachment: Attachment) -> bytes:
    """The bytes of an attachment. Raises ``StoreError`` when the store lost or changed them."""
    return content(attachment.stored_file)


def attachments_of(session: Session, record: Any, *, kind: str | None = None) -> Sequence[Attachment]:
    """The record's files that are not archived, oldest first; only those of ``kind`` when given."""
    wanted = (
        select(Attachment)
        .where(
            Attachment.record_type == record.__tablename__,
            Attachment.record_id == record.id,
            Attachment.archived_at.is_(None),
        )
        .options(joinedload(Attachment.stored_file))
        .order_by(Attachment.id)
    )
    return session.scalars(wanted.where(Attachment.kind == kind) if kind else wanted).all()


def signature_of(session: Session, record: Any, role: str) -> Attachment | None:
    """The newest signature given on the record in ``role``, or nothing."""
    return next((s for s in reversed(attachments_of(session, record, kind="signature")) if s.role == role), None)


def archive_attachment(session: Session, attachment: Attachment, *, reason: str, actor: Actor) -> None:
    """Take a file out of use with a reason; the content stays. Raises :class:`InvalidValue` without a reason."""
    if not reason.strip():
        raise InvalidValue(_l("Say why the file is archived."))
    if attachment.archived_at is None:
        attachment.archived_at, attachment.archived_by_id = now(), actor.user_id
        attachment.archive_reason = reason.strip()
        session.flush()


def forget(session: Session, attachment: Attachment) -> None:
    """Delete a file that was only lent (the result of an export), with its content unless something else has it too."""
    file = attachment.stored_file
    session.delete(attachment)
    session.flush()
    try:
        with session.begin_nested():
            session.delete(file)
    except IntegrityError:  # another attachment, paper or import is of the same content
        return
    store.remove(_folder(), file.sha256)


def clean_name(name: str) -> str:
    """A file name as a person sees it: last part of a path, no control or direction marks, at most 150 characters.

    Chinese names stay as they are. Raises :class:`InvalidValue` when nothing is left.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    path = PurePath(_UNSAFE.sub("", last).strip().lstrip("."))
    if not path.name:
        raise InvalidValue(_l("Choose a file."))
    return f"{path.stem[: 150 - len(path.suffix[:20])]}{path.suffix[:20]}"


def _add(session: Session, record: Any, file: StoredFile, *, actor: Actor, **values: str) -> Attachment:
    if record.id is None:
        session.flush()
    attachment = Attachment(
        estate_id=record.estate_id,
        record_type=record.__tablename__,
        record_id=record.id,
        unit_id=getattr(record, "audit_unit", None),
        stored_file=file,
        created_by_id=actor.user_id,
        **values,
    )
    session.add(attachment)
    session.flush()
    return attachment


def _is_blank(png: bytes) -> bool:
    with Image.open(io.BytesIO(png)) as picture:
        return picture.convert("RGBA").getcolors(maxcolors=1) is not None  # nothing when there are more


def _folder() -> Path:
    return current_app.config["GUANJIA"].files_dir
