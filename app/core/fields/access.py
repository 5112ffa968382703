"""Who adds fields to records."""

from app.core.access.roles import Grants, Role

KEEPERS = (Role.SYSTEM_ADMINISTRATOR, Role.MANAGER)

GRANTS: Grants = {"CustomField": {"read create update": KEEPERS}}
