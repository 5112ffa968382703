"""The indicators on the screen: all of them by month, one with its parts and its target, and as a file."""

from __future__ import annotations

import io
from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.access.actor import NotAllowed, current_actor
from app.core.exports import tables
from app.core.indicators.chart import chart
from app.core.indicators.queries import Trend, trends
from app.core.indicators.services import set_target
from app.core.records.base import now
from app.core.records.identifiers import InvalidValue
from app.extensions import db
from app.fab.fields import AmountField, RecordForm, estate_zone
from app.fab.views import Page, expose, requires


class TargetForm(RecordForm):
    """The estate's own target; empty for the one the indicator comes with."""

    target = AmountField(_l("Target"), places=2, digits=10)


class IndicatorPage(Page):
    """Indicators against their targets over thirteen months (rules §9)."""

    resource = "Indicator"
    route_base = "/indicators"

    @expose("/")
    @requires("read")
    def index(self) -> str:
        return self.render("indicators/index.html", title=_("Indicators"), trends=self._trends(), chart=chart)

    @expose("/<code>")
    @requires("read")
    def show(self, code: str) -> str:
        found = self._one(code)
        return self.render(
            "indicators/show.html", title=found.title, trend=found, chart=chart,
            form=TargetForm(None, data={"target": found.target}),
        )  # fmt: skip

    @expose("/<code>/target", methods=["POST"])
    @requires("update")
    def target(self, code: str) -> Any:
        """Set the estate's own target, or go back to the usual one with an empty field."""
        self._one(code)
        form = TargetForm(request.form)

        def work() -> None:
            if not form.validate():
                raise InvalidValue("; ".join(str(e) for errors in form.errors.values() for e in errors))
            set_target(db.session, code, form.target.data, actor=current_actor())

        return self.command(work, done=_("The target is set."), then=url_for("IndicatorPage.show", code=code))

    @expose("/export.<any(xlsx, csv):form>")
    @requires("read")
    def export(self, form: str) -> Response:
        """The table of :meth:`index` with its parts, numerators and denominators."""
        found = self._trends()
        heads = [str(_l("Indicator")), str(_l("Detail")), str(_l("Clause")), str(_l("Unit of measure")), str(_l("Target")),
                 str(_l("Month")), str(_l("Numerator")), str(_l("Denominator")), str(_l("Value"))]  # fmt: skip
        rows = (
            [
                whole.title, part.title if part is not whole else "", whole.indicator.clause,
                str(whole.indicator.unit.title), whole.target, f"{r.month:%Y-%m}", r.numerator, r.denominator, r.value,
            ]
            for whole in found
            for part in (whole, *whole.parts)
            for r in part.readings
        )  # fmt: skip
        file, title = io.BytesIO(), str(_l("Indicators"))
        if form == "csv":
            tables.write_csv(file, heads, rows)
        else:
            tables.write_xlsx(file, title, heads, rows)
        answer = Response(file.getvalue(), mimetype=tables.CSV if form == "csv" else tables.XLSX)
        name = f"{title}-{now().astimezone(estate_zone()).date()}.{form}"
        tables.offer(answer, name)
        return answer

    def _trends(self, code: str = "") -> list[Trend]:
        today = now().astimezone(estate_zone()).date()
        return trends(db.session, current_actor().estate_id or 0, today, parts=True, code=code)

    def _one(self, code: str) -> Trend:
        found = self._trends(code)
        if not code or not found:
            raise NotAllowed(f"indicator {code}")
        return found[0]
