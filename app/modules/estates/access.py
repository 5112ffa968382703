"""Who may do what with estates, buildings, units, parking bays, meters and keys."""

from app.core.access.roles import COUNTER, EVERYONE, OFFICE, Grants, Role

MASTER_DATA = (Role.MANAGER, Role.SYSTEM_ADMINISTRATOR)
"""Who shapes the estate itself."""

GRANTS: Grants = {
    "Estate": {"read": EVERYONE, "create update": (Role.SYSTEM_ADMINISTRATOR,)},
    "Building": {"read": EVERYONE, "create update delete": MASTER_DATA},
    "Unit": {
        "read": EVERYONE,
        "create delete": MASTER_DATA,
        "update": (*MASTER_DATA, Role.CS_SUPERVISOR, Role.DOCUMENT_ADMINISTRATOR),
    },
    "ParkingBay": {
        "read": (*OFFICE, Role.SECURITY, Role.SITE_ADMINISTRATOR, Role.SITE_SUPERVISOR, Role.SYSTEM_ADMINISTRATOR),
        "create update": (*COUNTER, Role.SYSTEM_ADMINISTRATOR),
        "delete": MASTER_DATA,
    },
    "Meter": {
        "read": (*OFFICE, Role.EQUIPMENT_SUPERVISOR, Role.TECHNICIAN, Role.SYSTEM_ADMINISTRATOR),
        "create update": (*COUNTER, Role.EQUIPMENT_SUPERVISOR, Role.INSPECTOR),
    },
    "MeterReading": {
        "read": (*OFFICE, Role.EQUIPMENT_SUPERVISOR, Role.TECHNICIAN, Role.SYSTEM_ADMINISTRATOR),
        "create": (*COUNTER, Role.INSPECTOR, Role.EQUIPMENT_SUPERVISOR, Role.TECHNICIAN),
    },
    "KeySet": {"read": OFFICE, "create update delete": (*COUNTER, Role.INSPECTOR)},
}
