"""Who looks after what leaves the program. One's own notices and choices need no right."""

from app.core.access.roles import Grants, Role

KEEPERS = (Role.SYSTEM_ADMINISTRATOR, Role.MANAGER)

GRANTS: Grants = {
    "Webhook": {"read create update delete": KEEPERS},
    "OutboxMessage": {"read resend": KEEPERS},
}
