"""The roles of a service centre and the way modules hand rights to them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l


class Role(StrEnum):
    """Roles of the service manual; the value is the role's name in the database."""

    RECEPTIONIST = "receptionist"
    CS_SUPERVISOR = "cs_supervisor"
    MANAGER = "manager"
    INSPECTOR = "inspector"
    EQUIPMENT_SUPERVISOR = "equipment_supervisor"
    SITE_ADMINISTRATOR = "site_administrator"
    SITE_SUPERVISOR = "site_supervisor"
    CASHIER = "cashier"
    DOCUMENT_ADMINISTRATOR = "document_administrator"
    TECHNICIAN = "technician"
    SECURITY = "security"
    SURVEYOR = "surveyor"
    SUPERIOR = "superior"
    SYSTEM_ADMINISTRATOR = "system_administrator"

    @property
    def title(self) -> Any:
        """The role as people call it."""
        return TITLES[self]


TITLES = {
    Role.RECEPTIONIST: _l("Receptionist"),
    Role.CS_SUPERVISOR: _l("Customer service supervisor"),
    Role.MANAGER: _l("Service-centre manager"),
    Role.INSPECTOR: _l("Accompanying inspector"),
    Role.EQUIPMENT_SUPERVISOR: _l("Equipment supervisor"),
    Role.SITE_ADMINISTRATOR: _l("Site administrator"),
    Role.SITE_SUPERVISOR: _l("Site supervisor"),
    Role.CASHIER: _l("Cashier"),
    Role.DOCUMENT_ADMINISTRATOR: _l("Document administrator"),
    Role.TECHNICIAN: _l("Maintenance technician"),
    Role.SECURITY: _l("Security guard"),
    Role.SURVEYOR: _l("Survey issuer and collector"),
    Role.SUPERIOR: _l("Superior department"),
    Role.SYSTEM_ADMINISTRATOR: _l("System administrator"),
}

COUNTER = (Role.RECEPTIONIST, Role.CS_SUPERVISOR, Role.MANAGER)
"""Staff who receive owners."""
OFFICE = (*COUNTER, Role.CASHIER, Role.INSPECTOR, Role.DOCUMENT_ADMINISTRATOR)
"""Staff who see household records in their daily work."""
EVERYONE = tuple(Role)

Grants = Mapping[str, Mapping[str, tuple[Role, ...]]]
"""``{resource: {"verb verb …": roles}}`` — what a module's ``access.py`` states."""


def spread(grants: Grants) -> dict[Role, set[tuple[str, str]]]:
    """Turn a module's statement into ``{role: {(verb, resource), …}}``."""
    rights: dict[Role, set[tuple[str, str]]] = {role: set() for role in Role}
    for resource, lines in grants.items():
        for verbs, roles in lines.items():
            for role in roles:
                rights[role].update((verb, resource) for verb in verbs.split())
    return rights
