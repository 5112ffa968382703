"""Permitted hours and the code list of violations on the page of settings and in the configuration file."""

from flask_babel import lazy_gettext as _l

from app.core.configuration.kinds import ConfigPart, Group, Setting
from app.modules.renovation.hours import save_hours
from app.modules.renovation.rule_views import PermittedHoursView, ViolationCodeView
from app.modules.renovation.site import save_code
from app.modules.renovation.site_models import PermittedHours, ViolationCode

CODES = ConfigPart(
    code="renovation_violation_codes", title=_l("Codes of violations"), model=ViolationCode, key=("code",),
    columns=("seq", "article", "title_zh", "title_en", "basis_zh", "basis_en", "category", "grave", "active"),
    resource="RenovationRule", withdraw=("active", False), save=save_code, order=92,
)  # fmt: skip
HOURS = ConfigPart(
    code="renovation_hours", title=_l("Permitted hours"), model=PermittedHours, key=("day_kind", "opens"),
    columns=("closes", "noisy"), resource="RenovationRule", save=save_hours, order=93,
)  # fmt: skip
SETTINGS = (
    Setting(
        code="renovation_hours", title=_l("Permitted hours"), group=Group.TIME, view=PermittedHoursView,
        models=(PermittedHours,), sentence=_l("When renovations may be worked on; the rules of cities can be taken over."),
        icon="clock-pause", order=40,
    ),
    Setting(
        code="renovation_violation_codes", title=_l("Codes of violations"), group=Group.LISTS, view=ViolationCodeView,
        models=(ViolationCode,), counted=lambda: [ViolationCode.active], icon="alert-triangle", order=50,
        sentence=_l("What counts as a violation in a renovation, by article of Decree 110 and the estate's agreement."),
    ),
)  # fmt: skip
