"""Who may do what in a renovation (RN-01 … RN-17; sources C9, C10)."""

from app.core.access.roles import COUNTER, OFFICE, Grants, Role

REVIEWERS = (Role.EQUIPMENT_SUPERVISOR, Role.MANAGER)
SITE_STAFF = (Role.SITE_ADMINISTRATOR, Role.SITE_SUPERVISOR)

GRANTS: Grants = {
    "Renovation": {
        "read": (*OFFICE, *SITE_STAFF, Role.EQUIPMENT_SUPERVISOR, Role.SUPERIOR, Role.SECURITY),
        "create update submit check_intake deliver": COUNTER,
        "print": (*COUNTER, Role.DOCUMENT_ADMINISTRATOR),
        "review": (Role.EQUIPMENT_SUPERVISOR,),
        "decide": (Role.MANAGER,),
        "bill": (*COUNTER, Role.CASHIER),
        "confirm_payment": (Role.CASHIER,),
        "permit": (Role.CS_SUPERVISOR, Role.MANAGER),
        "stop": (*SITE_STAFF, Role.CS_SUPERVISOR, Role.MANAGER),
        "resume": (Role.CS_SUPERVISOR, Role.MANAGER),
        "withdraw": (Role.CS_SUPERVISOR, Role.MANAGER),
        "request_acceptance": (*COUNTER, *SITE_STAFF),
        "inspect": (*SITE_STAFF, Role.EQUIPMENT_SUPERVISOR, Role.MANAGER),
        "file": (Role.DOCUMENT_ADMINISTRATOR, Role.CS_SUPERVISOR, Role.MANAGER),
    },
    "RenovationContractor": {
        "read": (*OFFICE, *SITE_STAFF, Role.EQUIPMENT_SUPERVISOR),
        "create update": COUNTER,
    },
    "RenovationWorker": {
        "read": (*COUNTER, *SITE_STAFF, Role.CASHIER, Role.DOCUMENT_ADMINISTRATOR, Role.SECURITY),
        "create update": (*COUNTER, Role.SITE_ADMINISTRATOR),
        "verify": (Role.SITE_ADMINISTRATOR,),
        "note": (*COUNTER, *SITE_STAFF),
        "reveal": (Role.CS_SUPERVISOR, Role.MANAGER, Role.SITE_ADMINISTRATOR),
        "print": (*COUNTER, *SITE_STAFF),
    },
    "TemporaryPass": {
        "read": (*COUNTER, *SITE_STAFF, Role.CASHIER, Role.SECURITY),
        "issue": (Role.CS_SUPERVISOR,),
        "take_back report_lost": (*COUNTER, Role.SITE_ADMINISTRATOR),
        "revoke": (Role.CS_SUPERVISOR, Role.MANAGER),
        "gate": (Role.SECURITY, *SITE_STAFF),
        "print": (Role.CS_SUPERVISOR, Role.SITE_ADMINISTRATOR),
    },
    "RenovationPatrol": {
        "read": (*COUNTER, *SITE_STAFF, Role.EQUIPMENT_SUPERVISOR, Role.SUPERIOR),
        "create": SITE_STAFF,
        "print": (*COUNTER, *SITE_STAFF),
    },
    "RenovationViolation": {
        "read": (*COUNTER, *SITE_STAFF, Role.EQUIPMENT_SUPERVISOR, Role.SUPERIOR),
        "create update serve recheck report": (*SITE_STAFF, Role.CS_SUPERVISOR, Role.MANAGER),
        "withdraw": (Role.MANAGER,),
        "print": (*COUNTER, *SITE_STAFF),
    },
    "RenovationSettlement": {
        "read": (*COUNTER, Role.CASHIER, Role.DOCUMENT_ADMINISTRATOR, Role.SUPERIOR),
        "create update": COUNTER,
        "check": (Role.CS_SUPERVISOR,),
        "approve": (Role.MANAGER,),
        "pay": (Role.CASHIER,),
        "reveal": (Role.CS_SUPERVISOR, Role.MANAGER, Role.CASHIER),
        "print": (*COUNTER, Role.CASHIER),
    },
    "RenovationReport": {
        "read": (Role.MANAGER, Role.CS_SUPERVISOR, Role.SITE_SUPERVISOR, Role.SUPERIOR),
        "print": (Role.MANAGER, Role.CS_SUPERVISOR, Role.SUPERIOR),
    },
    "RenovationRule": {
        "read": (*COUNTER, *SITE_STAFF, Role.SYSTEM_ADMINISTRATOR),
        "create update delete": (Role.MANAGER, Role.SYSTEM_ADMINISTRATOR),
    },
}
