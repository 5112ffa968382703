"""Who may do what with checks, findings, notices and actions: the manager checks, the addressed roles answer."""

from app.core.access.roles import Grants, Role

CHECKERS = (Role.MANAGER, Role.CS_SUPERVISOR)
STAFF = tuple(role for role in Role if role not in (Role.SUPERIOR, Role.SYSTEM_ADMINISTRATOR))
READERS = (*CHECKERS, Role.SUPERIOR, Role.DOCUMENT_ADMINISTRATOR)

GRANTS: Grants = {
    "SpotCheck": {
        "read": READERS,
        "create check conclude withdraw": CHECKERS,
        "print": (*CHECKERS, Role.DOCUMENT_ADMINISTRATOR),
    },
    "Finding": {"read": (*STAFF, Role.SUPERIOR), "create update revoke": CHECKERS},
    "RectificationNotice": {
        "read": (*STAFF, Role.SUPERIOR),
        "create update serve verify withdraw": CHECKERS,
        "answer": STAFF,
        "print": (*CHECKERS, Role.DOCUMENT_ADMINISTRATOR),
    },
    "CorrectiveAction": {
        "read": (*STAFF, Role.SUPERIOR),
        "create update agree verify withdraw": CHECKERS,
        "analyse carry_out": STAFF,
        "print": (*CHECKERS, Role.DOCUMENT_ADMINISTRATOR),
    },
    "CheckCategory": {
        "read": (*READERS, Role.SYSTEM_ADMINISTRATOR),
        "create update": (Role.MANAGER, Role.SYSTEM_ADMINISTRATOR),
    },
}
