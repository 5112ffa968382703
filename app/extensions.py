"""The Flask extensions of the program, created once and bound by ``create_app``."""

from __future__ import annotations

from flask_appbuilder import Model
from flask_appbuilder.models.sqla.base import SQLA
from flask_wtf import CSRFProtect

db = SQLA(model_class=Model, session_options={"autoflush": True})
csrf = CSRFProtect()
