"""The compiled catalogue speaks Chinese, with one plural form."""

from __future__ import annotations

from flask import Flask
from flask_babel import force_locale, gettext, ngettext


def test_the_compiled_catalogue_is_in_use(app: Flask) -> None:
    with app.test_request_context(), force_locale("zh"):
        assert gettext("Owner registration") == "业主登记"
        assert {ngettext("%(num)s month", "%(num)s months", number) for number in (1, 2)} == {"1个月", "2个月"}
    with app.test_request_context(), force_locale("en"):
        assert gettext("Owner registration") == "Owner registration"
        assert ngettext("%(num)s month", "%(num)s months", 1) == "1 month"
