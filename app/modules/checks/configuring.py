"""Categories of findings on the page of settings and in the configuration file."""

from flask_babel import lazy_gettext as _l

from app.core.configuration.kinds import ConfigPart, Group, Setting
from app.modules.checks.models import CheckCategory
from app.modules.checks.services import save_category
from app.modules.checks.views import CheckCategoryView

CATEGORIES = ConfigPart(
    code="check_categories", title=_l("Categories of findings"), model=CheckCategory, key=("code",),
    resource="CheckCategory", columns=("seq", "title_zh", "title_en", "repeat_count", "repeat_days", "active"),
    withdraw=("active", False), save=save_category, order=70,
)  # fmt: skip
SETTING = Setting(
    code="check_categories", title=_l("Categories of findings"), group=Group.LISTS, view=CheckCategoryView,
    models=(CheckCategory,), counted=lambda: [CheckCategory.active], icon="tag", order=20,
    sentence=_l("What spot checks find, and from when on a problem counts as repeated."),
)  # fmt: skip
