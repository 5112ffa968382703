"""Papers: laid out from templates, issued once under a number, reprinted as they were, verified by their code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.registry import Registry


def register(registry: Registry) -> None:
    from flask_babel import lazy_gettext as _l

    from app.core.access.roles import OFFICE, Role
    from app.core.papers.editing import register_editing
    from app.core.papers.household import register_household
    from app.core.papers.services import print_pack
    from app.core.papers.views import PaperView, VerifyPage

    registry.grants({"Paper": {"read": OFFICE, "void": (Role.CS_SUPERVISOR, Role.MANAGER)}})
    registry.view(PaperView, label=_l("Issued papers"), icon="printer")
    registry.view(VerifyPage)
    registry.job("print_pack", print_pack)
    register_household(registry)
    register_editing(registry)
