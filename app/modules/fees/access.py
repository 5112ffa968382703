"""Who may do what with fees: the cashier takes money; a reversal needs somebody above the counter."""

from app.core.access.roles import COUNTER, OFFICE, Grants, Role

GRANTS: Grants = {
    "FeeItem": {
        "read": (*OFFICE, Role.SUPERIOR, Role.SYSTEM_ADMINISTRATOR),
        "create update": (Role.MANAGER, Role.SYSTEM_ADMINISTRATOR),
    },
    "Bill": {
        "read print": (*OFFICE, Role.SUPERIOR),
        "create cancel": (*COUNTER, Role.CASHIER),
    },
    "Payment": {
        "read": (*OFFICE, Role.SUPERIOR),
        "create": (Role.CASHIER, Role.CS_SUPERVISOR),
        "reverse": (Role.CS_SUPERVISOR, Role.MANAGER),
        "print": (*COUNTER, Role.CASHIER),
    },
}
