"""Inputs of people's forms that no column gives by itself."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import wtforms
from flask_babel import lazy_gettext as _l

from app.core.records.identifiers import share


class ShareField(wtforms.StringField):
    """A share as people write it: 50%, 1/2, 0.5."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("description", _l("Such as 1/2; leave it empty when there is one owner."))
        super().__init__(_l("Share"), *args, **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].strip() if valuelist else ""
        self.data: Fraction | None = share(text) if text else None

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else "" if self.data is None else str(self.data)
