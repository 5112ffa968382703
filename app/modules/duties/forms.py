"""The inputs of duties that no column gives by itself: what shows that one was done, and the statement of it."""

from __future__ import annotations

from typing import Any

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.registry import registry
from app.fab.fields import MomentField, TextField
from app.modules.duties.kinds import Evidence
from app.modules.duties.models import STATEMENT


class DoneForm(wtforms.Form):
    """That a duty was done: what, and when if not just now."""

    note = TextField(_l("What was done"), rows=2, length=500)
    done_at = MomentField(_l("Done at"), description=_l("Empty: now."))


def evidences() -> list[tuple[str, Any]]:
    """What can show that a duty was done: a statement, or what the modules know."""
    return [(STATEMENT, _("Statement of whoever did it")), *((e.code, e.title) for e in _known().values())]


def _known() -> dict[str, Evidence]:
    return registry().of(Evidence)


class ParametersField(wtforms.SelectMultipleField):
    """Which records of a kind of evidence count: choices like ``check:kind:movein.fees``; none means any."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, choices=_offered, render_kw={"data-choices": ""}, **kwargs)

    def process_data(self, value: Any) -> None:
        if isinstance(value, dict):
            value = [
                f"{code}:{name}:{chosen}"
                for code, evidence in _known().items()
                for name in evidence.parameters
                for chosen in value.get(name, ())
            ]
        self.data = value or []


def _offered() -> list[tuple[str, str]]:
    return [
        (f"{code}:{name}:{value}", f"{parameter.title}: {title}")
        for code, evidence in _known().items()
        for name, parameter in evidence.parameters.items()
        for value, title in parameter.choices().items()
    ]


def parameters_of(evidence: str, chosen: list[str]) -> dict[str, list[str]]:
    """What was chosen, as the evidence takes it; choices that belong to another kind of evidence do not count."""
    found: dict[str, list[str]] = {}
    for line in chosen:
        code, name, value = line.split(":", 2)
        if code == evidence:
            found.setdefault(name, []).append(value)
    return found


def shown_by(evidence: str, parameters: dict[str, list[str]]) -> str:
    """In words, what shows that a duty was done."""
    known = _known().get(evidence)
    if known is None:
        return _("Statement of whoever did it")
    named = [
        str(parameter.choices().get(value, value))
        for name, parameter in known.parameters.items()
        for value in parameters.get(name, ())
    ]
    return f"{known.title}: {' · '.join(named)}" if named else str(known.title)
