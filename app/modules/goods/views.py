"""Goods releases on the screen, at the counter and at the gate."""

from flask_babel import lazy_gettext as _l

from app.fab.documents import DocumentView
from app.fab.interface import RecordInterface
from app.fab.views import link_to_show
from app.modules.goods.models import GoodsRelease
from app.modules.goods.states import ReleaseState
from app.modules.goods.workflow import RELEASE


class GoodsReleaseView(DocumentView):
    datamodel = RecordInterface(GoodsRelease)
    resource, route_base, workflow, series = "GoodsRelease", "/goods-releases", RELEASE, "GR"
    list_title, show_title = _l("Goods releases"), _l("Goods release")
    add_title, edit_title = _l("New goods release"), _l("Edit goods release")
    list_columns = ("number", "unit_id", "applicant_name", "reason", "valid_to", "state", "issued_by_name")
    search_columns = (*list_columns, "applicant", "carrier", "issued_at", "checked_at", "items_match")
    first_filter = {"state": (ReleaseState.ENTERED, ReleaseState.ISSUED)}
    list_cell = {"number": link_to_show(lambda release: release.number)}
    application = ("applicant", "applicant_name", "id_kind", "id_seen", "confirmation", "confirmation_note")
    goods = ("reason", "carrier", "valid_from", "valid_to", "items")
    gate = ("items_match", "remark", "checked_at", "checked_by_name")
    form_fieldsets = ((_l("Application"), ("unit_id", *application)), (_l("Goods"), goods))
    show_fieldsets = (
        (_l("Goods"), ("unit_id", *goods)), (_l("At the gate"), gate),
        (_l("Application"), (*application, "issued_at", "issued_by_name")),
    )  # fmt: skip
    add_columns = edit_columns = ("unit_id", *application, *goods)
    editable_in, signers, validity = (ReleaseState.ENTERED,), {"owner": _l("Owner")}, "goods.release"
    household = {"people": "", "fees": _l("For information only: belongings are never held back for what is owed.")}
    show_template = "goods/show.html"
