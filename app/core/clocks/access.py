"""Who keeps the clock rules, the calendar and the opening hours, and who reads them."""

from app.core.access.roles import OFFICE, Grants, Role

KEEPERS = (Role.MANAGER, Role.SYSTEM_ADMINISTRATOR)
READERS = (*OFFICE, Role.SYSTEM_ADMINISTRATOR)

SETTINGS: Grants = {
    "ClockRule": {"read": READERS, "update": KEEPERS},
    "CalendarDay": {"read": READERS, "create update delete": KEEPERS},
    "OpeningHours": {"read": READERS, "update": KEEPERS},
}
