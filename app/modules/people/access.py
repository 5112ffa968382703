"""Who may do what with persons, tenures, vehicles, consents and the workbook import."""

from app.core.access.roles import COUNTER, OFFICE, Grants, Role

READERS = (
    *OFFICE,
    Role.SYSTEM_ADMINISTRATOR,
    Role.SITE_SUPERVISOR,
    Role.SITE_ADMINISTRATOR,
    Role.SECURITY,
    Role.TECHNICIAN,
)

GRANTS: Grants = {
    "Person": {
        "read": READERS,
        "create update": (*COUNTER, Role.DOCUMENT_ADMINISTRATOR),
        "reveal": (*COUNTER, Role.CASHIER, Role.DOCUMENT_ADMINISTRATOR),
    },
    "Tenure": {"read": READERS, "create update": (*COUNTER, Role.DOCUMENT_ADMINISTRATOR)},
    "Vehicle": {"read": READERS, "create update delete": (*COUNTER, Role.SECURITY)},
    "Consent": {"read": OFFICE, "create update": COUNTER},
    "PrivacyNotice": {"read": OFFICE},
    "EstateWorkbook": {"read create": (*COUNTER, Role.DOCUMENT_ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR)},
}
