"""A small shop on our records: every kind of column once, to try the generated screens on.

The classes are declared for the tests of this folder only and leave the metadata afterwards.
"""

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import sqlalchemy as sa
from flask import request
from flask_appbuilder import Model
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.access.roles import COUNTER, EVERYONE, Role
from app.core.records.base import Record, UtcDateTime, within_estate
from app.core.records.choices import Choice, choice
from app.core.records.identifiers import phone
from app.core.records.secrets import EncryptedText, HasSecrets
from app.core.workflow.table import Ask, Blocked, Look, Transition, Workflow
from app.fab.api import RecordApi
from app.fab.fields import RecordForm, TextField
from app.fab.interface import RecordInterface
from app.fab.views import BulkCommand, RecordView, RelatedList, expose, requires


class Ware(Choice):
    CUP = "cup", "Cup"
    PLATE = "plate", "Plate"


def declare() -> SimpleNamespace:
    """Declare models, workflow and views."""

    class Shelf(Record):
        __tablename__ = "toy_shelf"
        __table_args__ = (sa.UniqueConstraint("estate_id", "code"),)

        code: Mapped[str] = mapped_column(sa.String(20), info={"label": "Shelf code"})

        def __str__(self) -> str:
            return self.code

    class Item(HasSecrets, Record):
        __tablename__ = "toy_item"
        __table_args__ = (
            sa.UniqueConstraint("estate_id", "code"),
            sa.CheckConstraint("price >= 0", name="price_not_negative"),
            sa.CheckConstraint("weight < 1000", name="weight_bearable", info={"message": "Nobody can lift this."}),
            sa.Index("ix_toy_item_estate_id_code", "estate_id", "code", "id"),
        )
        __secrets__ = {"phone": phone}

        code: Mapped[str] = mapped_column(sa.String(20), info={"label": "Code"})
        name: Mapped[str] = mapped_column(sa.String(30), default="", info={"label": "Name"})
        shelf_id: Mapped[int] = within_estate("toy_shelf", info={"label": "Shelf"})
        price: Mapped[Decimal] = mapped_column(
            sa.Numeric(12, 2), default=Decimal(0), info={"label": "Price", "format": "money", "unit": "CNY"}
        )
        weight: Mapped[int | None] = mapped_column(info={"label": "Weight", "help": "In grams."})
        bought_on: Mapped[dt.date | None] = mapped_column(info={"label": "Bought on"})
        seen_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, info={"label": "Seen at"})
        fragile: Mapped[bool] = mapped_column(default=True, info={"label": "Fragile"})
        ware: Mapped[Ware] = mapped_column(choice(Ware, "ware_known"), info={"label": "Ware"})
        note: Mapped[str] = mapped_column(sa.Text, default="", info={"label": "Note"})
        phone: Mapped[str | None] = mapped_column(EncryptedText, info={"label": "Phone", "mask": "phone"})
        phone_hash: Mapped[str | None] = mapped_column(sa.String(64))
        phone_tail: Mapped[str | None] = mapped_column(sa.String(64))
        keeper_id: Mapped[int | None] = mapped_column(sa.ForeignKey("ab_user.id"), info={"label": "Keeper"})
        state: Mapped[str] = mapped_column(sa.String(10), default="new", info={"label": "State"})

        shelf: Mapped[Shelf] = relationship(foreign_keys=[shelf_id])

        def __str__(self) -> str:
            return self.code

        @property
        def shelf_mark(self) -> str:
            return f"{self.shelf.code}/{self.code}"

    def too_light(record: Item, actor: object) -> "str | None":
        return "Weigh it first." if record.weight is None else None

    flow = Workflow(
        model=Item,
        resource="ToyItem",
        looks={"new": Look("Fresh", "blue"), "sold": Look("Sold", "green")},
        initial="new",
        transitions=(
            Transition(
                name="sell", title="Sell", sources=("new",), target="sold", verb="sell", needs=(too_light,),
                asks=(Ask("buyer", "Buyer"),), primary=True,
            ),
        ),
    )  # fmt: skip

    class NameForm(RecordForm):
        name = TextField("Name", length=30)

    def rename(session, item, *, name, actor):  # type: ignore[no-untyped-def]
        if item.weight is None:
            raise Blocked(["Weigh it first."])
        item.name = f"{item.name}{name}"

    def reprice(session, item, *, actor):  # type: ignore[no-untyped-def]
        item.price = Decimal(-1) if item.name == "cheap" else item.price + 1

    class ToyItemView(RecordView):
        bulk = (
            BulkCommand(name="rename", title="Rename", verb="update", work=rename, asks=NameForm),
            BulkCommand(name="reprice", title="Raise the price", verb="sell", work=reprice),
        )
        datamodel = RecordInterface(Item)
        resource = "ToyItem"
        route_base = "/toys"
        list_title, show_title, add_title, edit_title = "Toys", "Toy", "New toy", "Change toy"
        list_columns = [
            "code", "name", "shelf_id", "shelf.code", "ware", "price", "bought_on", "seen_at", "fragile", "phone", "keeper_id", "state",
            "shelf_mark",
        ]  # fmt: skip
        label_columns = {"shelf_mark": "Mark", "shelf.code": "Code of the shelf"}
        search_columns = [
            "code", "name", "shelf.code", "shelf_id", "ware", "price", "weight", "bought_on", "seen_at", "fragile", "phone", "state",
        ]  # fmt: skip
        base_order = ("code", "asc")
        show_fieldsets = [
            ("Facts", ["code", "name", "shelf_id", "ware", "price", "weight", "bought_on", "seen_at", "fragile"]),
            ("More", ["note", "phone", "keeper_id", "state"]),
        ]
        add_columns = [
            "code", "name", "shelf_id", "ware", "price", "weight", "bought_on", "seen_at", "fragile", "note", "phone", "keeper_id",
        ]  # fmt: skip
        edit_columns = add_columns
        constraint_messages = {"price_not_negative": ("price", "A price is never negative.")}
        workflow = flow

        def editable(self, record, actor):  # type: ignore[no-untyped-def]
            columns = super().editable(record, actor)
            return columns - {"price"} if record is not None and Role.MANAGER not in actor.roles else columns

        @expose("/<int:pk>/polish", methods=["POST"])
        @requires("update")
        def polish(self, pk):  # type: ignore[no-untyped-def]
            record = self.record_or_404(pk)

            def work() -> None:
                record.name += "*"
                if request.form.get("hard"):
                    raise Blocked(["It broke."])

            return self.command(work, done="Polished.", then=self.address_of(record), record=record)

    class ToyShelfView(RecordView):
        datamodel = RecordInterface(Shelf)
        resource = "ToyShelf"
        route_base = "/toy-shelves"
        list_title, show_title, add_title, edit_title = "Shelves", "Shelf", "New shelf", "Change shelf"
        list_columns = search_columns = add_columns = edit_columns = ["code"]
        base_order = ("code", "asc")
        related = [RelatedList(view="ToyItemView", column="shelf_id", columns=["code", "price"])]

    class ToyItemApi(RecordApi):
        view = "ToyItemView"
        resource_name = "toys"

    def register(registry) -> None:  # type: ignore[no-untyped-def]
        registry.grants({
            "ToyItem": {"read": EVERYONE, "create update delete sell": COUNTER},
            "ToyShelf": {"read": EVERYONE, "create update delete": COUNTER},
        })  # fmt: skip
        registry.workflow(flow)
        registry.view(ToyItemView, label="Toys", category="Shop", icon="briefcase")
        registry.view(ToyItemApi)
        registry.view(ToyShelfView, label="Shelves", category="Shop", icon="archive")

    return SimpleNamespace(Shelf=Shelf, Item=Item, flow=flow, ToyItemView=ToyItemView, register=register)


def retire(toys: SimpleNamespace) -> None:
    """Take the tables out of the metadata, so that nothing else ever sees them."""
    for model in (toys.Item, toys.Shelf):
        Model.metadata.remove(model.__table__)
