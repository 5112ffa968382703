"""Who may do what with duties: the manager answers for them, whoever carries one out sees its occurrences."""

from app.core.access.roles import EVERYONE, Grants, Role

READERS = (Role.MANAGER, Role.CS_SUPERVISOR, Role.SUPERIOR, Role.SYSTEM_ADMINISTRATOR)

GRANTS: Grants = {
    "Duty": {
        "read": READERS,
        "create update": (Role.MANAGER, Role.SYSTEM_ADMINISTRATOR),
        "waive": (Role.MANAGER,),
    },
    "DutyOccurrence": {"read": EVERYONE},
    "DutyReport": {
        "read": READERS,
        "print": (Role.MANAGER, Role.CS_SUPERVISOR, Role.SUPERIOR),
    },
}
