"""Controls: a small application on Flask-AppBuilder as it comes, showing that the traps our screens avoid are real.

When one of these fails after an update, the framework has repaired it and our own cure may go.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_appbuilder import AppBuilder, Model, ModelView
from flask_appbuilder.models.sqla.base import SQLA
from flask_appbuilder.models.sqla.interface import SQLAInterface

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def stock_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    class StockShelf(Model):
        __tablename__ = "stock_shelf"
        id = sa.Column(sa.Integer, primary_key=True)
        code = sa.Column(sa.String(20), unique=True)

        def __repr__(self) -> str:
            return f"{self.code}"

    class StockToy(Model):
        __tablename__ = "stock_toy"
        id = sa.Column(sa.Integer, primary_key=True)
        code = sa.Column(sa.String(20))
        fragile = sa.Column(sa.Boolean, nullable=False)
        state = sa.Column(sa.String(10), default="new")
        shelf_id = sa.Column(sa.ForeignKey("stock_shelf.id"), nullable=False)
        shelf = sa.orm.relationship(StockShelf)

    class StockToyView(ModelView):
        datamodel = SQLAInterface(StockToy)
        list_columns = ["code", "shelf"]

    app = Flask(__name__)
    folder = tmp_path_factory.mktemp("stock")
    app.config.update(
        SECRET_KEY="x" * 32, SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder}/stock.sqlite3", WTF_CSRF_ENABLED=False,
        FAB_CREATE_DB=False, FAB_UPDATE_PERMS=False, FAB_ADD_SECURITY_VIEWS=False,
    )  # fmt: skip
    db = SQLA(model_class=Model)
    db.init_app(app)
    with app.app_context():
        for model in (StockShelf, StockToy):
            model.__table__.create(db.engine)
        db.session.add_all([StockShelf(code=f"S{n:03}") for n in range(300)])
        db.session.add_all(
            [StockToy(code=c, fragile=True, shelf_id=n + 1) for n, c in enumerate(["A1", "A2", "B1", "B2"])]
        )
        db.session.commit()
        builder = AppBuilder(app, db.session)
        builder.sm.has_access = lambda *arguments: True
        view = builder.add_view_no_menu(StockToyView)
    yield SimpleNamespace(app=app, view=view, db=db, StockToy=StockToy)
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    for model in (StockToy, StockShelf):
        Model.metadata.remove(model.__table__)


def test_filters_are_one_object_for_all_requests(stock_app):
    client = stock_app.app.test_client()
    client.get("/stocktoyview/list/?_flt_0_code=A")
    kept = stock_app.view._filters
    assert [value for _filter, value in kept.get_filters_values()] == [["A"]]
    client.get("/stocktoyview/list/?_flt_0_code=B")
    assert stock_app.view._filters is kept
    assert [value for _filter, value in kept.get_filters_values()] == [["B"]]


def test_an_unchecked_box_cannot_be_saved_and_references_preselect_and_render_every_row(stock_app):
    client = stock_app.app.test_client()
    with stock_app.app.test_request_context("/stocktoyview/add", method="POST", data={"code": "N", "shelf": "1"}):
        form = stock_app.view.add_form.refresh()
        assert not form.validate() and "fragile" in form.errors
    with stock_app.app.test_request_context("/stocktoyview/add"):
        rendered = str(stock_app.view.add_form.refresh().shelf())
    assert rendered.count("<option") == 300 and "__None" not in rendered
    assert "state" in stock_app.view.edit_columns
    assert client is not None


def test_arguments_break_the_list_and_any_page_size_is_accepted(stock_app):
    stock_app.app.testing = False
    client = stock_app.app.test_client()
    assert client.get("/stocktoyview/list/?_oc_StockToyView=nothing&_od_StockToyView=asc").status_code == 500
    with stock_app.app.test_request_context("/stocktoyview/list/?psize_StockToyView=1000000"):
        from flask_appbuilder.urltools import get_page_size_args

        assert get_page_size_args() == {"StockToyView": 1000000}


def test_actions_have_addresses_and_an_unknown_one_fails(stock_app):
    stock_app.app.testing = False
    assert stock_app.app.test_client().get("/stocktoyview/action/nothing/1").status_code == 500


def test_the_frameworks_own_database_object_has_its_own_empty_metadata():
    assert SQLA().metadata is not Model.metadata


def test_our_factory_can_be_called_twice_in_one_process(shop, tmp_path, monkeypatch):
    import app as package
    import config

    monkeypatch.setattr(package, "MODULES", ("toy_shop",))
    second = package.create_app(config.Settings(instance_dir=tmp_path, language="zh"))
    assert second.test_client().get("/login/").status_code == shop.test_client().get("/login/").status_code == 200
    views = [app.extensions["guanjia.record_views"]["ToyItemView"] for app in (shop, second)]
    assert views[0] is not views[1]
    assert second.extensions["sqlalchemy"].metadata is Model.metadata
    with second.app_context():
        second.extensions["sqlalchemy"].engine.dispose()


def test_a_list_asks_the_database_once_per_line(stock_app):
    seen: list[str] = []

    def note(connection, cursor, statement, *rest):
        seen.append(statement)

    with stock_app.app.app_context():
        sa.event.listen(stock_app.db.engine, "before_cursor_execute", note)
        with stock_app.app.test_request_context():
            _count, rows = stock_app.view.datamodel.query(page_size=25)
            stock_app.db.session.expire_all()
            stock_app.view.datamodel.get_values(rows, ["code", "shelf"])
            list(stock_app.view.datamodel.get_values(rows, ["code", "shelf"]))
        sa.event.remove(stock_app.db.engine, "before_cursor_execute", note)
    assert len([s for s in seen if "FROM stock_shelf" in s]) == 4
