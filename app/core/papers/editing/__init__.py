"""Papers without code: an estate's own templates of the delivered forms, its letterhead, form numbers and revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.registry import Registry


def register_editing(registry: Registry) -> None:
    from flask import url_for
    from flask_babel import lazy_gettext as _l

    from app.core.access.roles import Role
    from app.core.audit.kinds import EventKind
    from app.core.papers.editing.configuring import HEAD, PAPERS, SETTING
    from app.core.papers.editing.models import PaperForm
    from app.core.papers.editing.services import DISCARDED, DRAFTED, PUBLISHED, RESTORED
    from app.core.papers.editing.views import PaperTemplatePage
    from app.extensions import db

    keepers = (Role.MANAGER, Role.SYSTEM_ADMINISTRATOR)
    readers = (*keepers, Role.CS_SUPERVISOR, Role.DOCUMENT_ADMINISTRATOR)
    registry.grants({"PaperTemplate": {"read": readers, "update": keepers}})
    registry.view(PaperTemplatePage, label=_l("Paper templates"), category=_l("Settings"), icon="file-text")
    for thing in (PAPERS, HEAD, SETTING):
        registry.contribute(thing)
    registry.guard("paper_form", "PaperTemplate")
    registry.guard("letterhead", "PaperTemplate")

    def address(number: int) -> str:
        form = db.session.get(PaperForm, number)
        return url_for("PaperTemplatePage.edit", code=form.code) if form else url_for("PaperTemplatePage.index")

    registry.page("paper_form", address)
    registry.page("letterhead", lambda _number: url_for("PaperTemplatePage.letterhead"))
    for code, sentence, icon in (
        (DRAFTED, _l("saved a draft of the template"), "edit"),
        (DISCARDED, _l("discarded the draft of the template"), "trash"),
        (RESTORED, _l("took up an earlier template as draft"), "arrow-left"),
        (PUBLISHED, _l("published the template"), "check"),
    ):
        registry.contribute(EventKind(code=code, sentence=sentence, icon=icon))
