"""Who sees all settings of the estate at once, and takes them out of it or into it."""

from app.core.access.roles import Grants, Role

KEEPERS = (Role.MANAGER, Role.SYSTEM_ADMINISTRATOR)

GRANTS: Grants = {"Configuration": {"read export import": KEEPERS}}
