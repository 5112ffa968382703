"""Who may do what in a move-in (MI-04 … MI-11)."""

from app.core.access.roles import COUNTER, EVERYONE, OFFICE, Grants, Role

RECEPTION = COUNTER
INSPECTION = (Role.INSPECTOR, Role.CS_SUPERVISOR, Role.MANAGER)

GRANTS: Grants = {
    "MoveInCase": {
        "read": (*OFFICE, Role.SUPERIOR, Role.TECHNICIAN),
        "create update check_documents register sign hand_out entrust hand_over_keys": RECEPTION,
        "bill": (*RECEPTION, Role.CASHIER),
        "inspect conclude": INSPECTION,
        "rectify": (*INSPECTION, Role.RECEPTIONIST, Role.TECHNICIAN),
        "print": (*RECEPTION, Role.CASHIER, Role.INSPECTOR, Role.DOCUMENT_ADMINISTRATOR),
        "withdraw step_back": (Role.CS_SUPERVISOR, Role.MANAGER),
        "reopen": (Role.MANAGER,),
    },
    "MoveInBatch": {
        "read": EVERYONE,  # who has nothing to do with move-ins sees the batches of whose task force they are
        "create update plan": (Role.CS_SUPERVISOR, Role.MANAGER),
        "check_in": COUNTER,
        "call": (*COUNTER, Role.CASHIER, Role.INSPECTOR),
    },
    "EntrustedService": {
        "read": (*OFFICE, Role.TECHNICIAN),
        "update": (*RECEPTION, Role.TECHNICIAN, Role.CASHIER, Role.INSPECTOR),
    },
    "Defect": {"read": (*OFFICE, Role.TECHNICIAN, Role.EQUIPMENT_SUPERVISOR, Role.SUPERIOR)},
    "StandingText": {
        "read": (*OFFICE, Role.SYSTEM_ADMINISTRATOR),
        "update": (Role.MANAGER, Role.SYSTEM_ADMINISTRATOR),
    },
    "MoveInItem": {
        "read": (*OFFICE, Role.SYSTEM_ADMINISTRATOR),
        "create update": (Role.MANAGER, Role.SYSTEM_ADMINISTRATOR),
    },
}
