"""Opening, adding and archiving the files of records of any kind; the right is that on the record itself."""

from __future__ import annotations

import io
import re
from typing import Any

from flask import Response, request, send_file
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.access.actor import NotAllowed, current_actor
from app.core.fields.queries import FILE_KIND, sees_file
from app.core.files import services
from app.core.files.models import Attachment
from app.core.papers.renderer import renderer
from app.core.records.identifiers import InvalidValue
from app.core.records.lookup import reach
from app.extensions import db
from app.fab.scope import safe_next
from app.fab.views import Page, expose

INLINE = frozenset({"application/pdf", "image/png", "image/jpeg", "image/webp"})
"""What browsers show themselves; everything else is only downloaded."""
PICTURE_WIDTH = 1200
"""Pixels of the picture of a PDF's first page."""
OWN_WAY = frozenset({"signature", "signed_copy", FILE_KIND})
"""Kinds of files that come about by signing or in a field, not by a plain upload."""


class FilePage(Page):
    """Files of records. Whoever may read a record opens its files, whoever may update it adds and archives them."""

    route_base = "/files"
    default_view = "show"

    @expose("/<int:pk>/<path:name>")
    def show(self, pk: int, name: str) -> Response:
        attachment, _owner = self._reach(pk, "read")
        return file_answer(services.read(attachment), attachment.stored_file.media_type, attachment.name)

    @expose("/<int:pk>/picture.png")
    def picture(self, pk: int) -> Response:
        """The first page of a PDF as a picture, for looking at it beside what is decided about it."""
        attachment, _owner = self._reach(pk, "read")
        if attachment.stored_file.media_type != "application/pdf":
            raise NotAllowed(f"picture of attachment {pk}")
        _found, made = renderer().ask("pictures", services.read(attachment), 1, PICTURE_WIDTH)
        answer = file_answer(made, "image/png", "picture.png")
        answer.headers["Cache-Control"] = "private, max-age=3600"
        return answer

    @expose("/attach/<record_type>/<int:record_id>", methods=["POST"])
    def attach(self, record_type: str, record_id: int) -> Any:
        actor = current_actor()
        record = reach(db.session, record_type, record_id, verb="update", actor=actor)

        def work() -> Attachment:
            kind, upload = request.form.get("kind", "document"), request.files.get("file")
            if upload is None or kind in OWN_WAY or not re.fullmatch(r"[a-z_]{1,40}", kind):
                raise InvalidValue(_l("Choose a file."))
            note = request.form.get("note", "")[:300]
            return services.attach(db.session, record, upload, kind=kind, note=note, actor=actor)

        return self.command(work, done=_("The file is kept."), then=safe_next(request.form.get("next")))

    @expose("/<int:pk>/archive", methods=["POST"])
    def archive(self, pk: int) -> Any:
        attachment, _owner = self._reach(pk, "update")
        if attachment.kind == FILE_KIND:
            raise NotAllowed(f"file {pk} of a field")
        reason = request.form.get("reason", "")[:300]
        return self.command(
            lambda: services.archive_attachment(db.session, attachment, reason=reason, actor=current_actor()),
            done=_("The file is archived."),
            then=safe_next(request.form.get("next")),
        )

    def _reach(self, pk: int, verb: str) -> tuple[Attachment, Any]:
        attachment = db.session.get(Attachment, pk)
        if attachment is None:
            raise NotAllowed(f"attachment {pk}")
        owner = reach(
            db.session, attachment.record_type, attachment.record_id, verb=verb, actor=current_actor()
        )  # fmt: skip
        if not sees_file(db.session, attachment, current_actor()):
            raise NotAllowed(f"attachment {pk}")
        return attachment, owner


def file_answer(data: bytes, media_type: str, name: str) -> Response:
    """A response with a file under its own name; shown in place when browsers can do so safely, otherwise saved."""
    response = send_file(
        io.BytesIO(data), mimetype=media_type, download_name=name, as_attachment=media_type not in INLINE
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox"
    )
    return response
