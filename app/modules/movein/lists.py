"""The module's code lists as an administrator changes them: titles, order, and the values special to each list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.records.refusals import FieldErrors
from app.modules.estates.models import DeliveryType
from app.modules.movein.models import MoveInItem
from app.modules.movein.states import LISTS, PaperGroup

MATRIX = ("limits", "responsible_parties", "spaces", "layouts", "trades", "check_items")
"""The lists that make up the check matrix; the others are the lists of the counter."""
LONGEST = 400
ROOM = {"space": _l("Space"), "code": _l("Code"), "zh": _l("Own name (Chinese)"), "en": _l("Own name (English)")}
"""A room of a layout; without a name of its own it is called like its space."""
_CODE = re.compile(r"[a-z0-9_.-]{1,40}")


class Form(Enum):
    """What a special value is."""

    WHOLE = 1
    MONEY = 2
    YES_NO = 3
    TEXT = 4
    BOTH = 5
    ONE = 6
    SEVERAL = 7
    ROOMS = 8


@dataclass(frozen=True, kw_only=True)
class Datum:
    """A value special to the entries of some lists, kept in their ``data``.

    ``choices``: values with their titles, or the name of the list whose codes are meant. Whole numbers lie between
    ``least`` and ``most``; texts have at most ``most`` characters. ``BOTH`` is a text in Chinese and English.
    """

    title: Any
    form: Form
    choices: Mapping[Any, Any] | str = ""
    least: int = 0
    most: int = LONGEST
    required: bool = True

    def offered(self, session: Session, estate_id: int | None) -> dict[str, str]:
        """The values to choose from, with their titles."""
        if not isinstance(self.choices, str):
            return {str(value): str(title) for value, title in self.choices.items()}
        mine = (MoveInItem.list_name == self.choices, MoveInItem.estate_id == estate_id)
        return {e.code: str(e) for e in session.scalars(select(MoveInItem).where(*mine).order_by(MoveInItem.seq))}


DELIVERY = {kind.value: kind.title for kind in DeliveryType}
DATA: dict[str, Datum] = {
    "group": Datum(title=_l("Kind of paper"), form=Form.ONE, choices={group.value: group.title for group in PaperGroup}),
    "when": Datum(
        title=_l("Asked for"), form=Form.ONE,
        choices={
            "always": _l("Always"), "agent": _l("When an agent comes"), "organisation": _l("From organisations"),
            "overseas": _l("From owners overseas"), "co_owners": _l("From co-owners"),
        },
    ),
    "mandatory": Datum(title=_l("Mandatory"), form=Form.YES_NO),
    "keep": Datum(
        title=_l("What is kept"), form=Form.ONE,
        choices={"copy": _l("A copy is filed"), "seen": _l("Seen and handed back, nothing is kept")},
    ),
    "form_no": Datum(title=_l("Form number"), form=Form.TEXT, most=10, required=False),
    "paper": Datum(title=_l("Standing text that prints it"), form=Form.TEXT, most=40, required=False),
    "copies": Datum(title=_l("Copies"), form=Form.WHOLE, least=1, most=99),
    "return": Datum(title=_l("One comes back signed"), form=Form.YES_NO),
    "delivery": Datum(title=_l("For units delivered as"), form=Form.SEVERAL, choices=DELIVERY),
    "language": Datum(
        title=_l("Language"), form=Form.ONE, choices={"zh": _l("Chinese"), "en": _l("English"), "both": _l("Both languages")}
    ),
    "office": Datum(title=_l("Office that stamps"), form=Form.BOTH, most=100),
    "charge": Datum(title=_l("Price"), form=Form.ONE, choices={"free": _l("Free of charge"), "paid": _l("At the published price")}),
    "handling_fee": Datum(
        title=_l("Handling fee"), form=Form.ONE, choices={"forbidden": _l("Forbidden (art. 44)"), "allowed": _l("Allowed")}
    ),
    "department": Datum(title=_l("Department"), form=Form.BOTH, most=100),
    "needs": Datum(title=_l("What the owner leaves"), form=Form.BOTH),
    "quantity": Datum(title=_l("Usual number"), form=Form.WHOLE, most=99),
    "deposit": Datum(title=_l("Deposit for one piece"), form=Form.MONEY),
    "days": Datum(title=_l("Days"), form=Form.WHOLE, most=365),
    "bedrooms": Datum(title=_l("Bedrooms"), form=Form.WHOLE, most=20),
    "rooms": Datum(title=_l("Rooms in walking order"), form=Form.ROOMS, choices="spaces"),
    "trade": Datum(title=_l("Trade"), form=Form.ONE, choices="trades"),
    "limit": Datum(title=_l("Rectification limit"), form=Form.ONE, choices="limits"),
    "spaces": Datum(title=_l("Checked in"), form=Form.SEVERAL, choices="spaces"),
    "standard": Datum(title=_l("What it should be like"), form=Form.BOTH),
}  # fmt: skip
OF_LIST: dict[str, tuple[str, ...]] = {
    "required_papers": ("group", "when", "mandatory", "keep"),
    "handout_documents": ("form_no", "paper", "copies", "return", "delivery", "language"),
    "procedure_steps": ("office",),
    "entrusted_services": ("charge", "handling_fee", "department", "needs"),
    "key_kinds": ("quantity", "deposit"),
    "limits": ("days",),
    "layouts": ("bedrooms", "rooms"),
    "trades": ("limit",),
    "check_items": ("trade", "spaces", "delivery", "standard", "limit"),
}
"""The special values of each list; a list that is missing has none."""
OPTIONAL = {("check_items", "limit")}
"""A check item without a limit of its own has that of its trade."""


def save_item(session: Session, item: MoveInItem | None, values: dict[str, Any], *, actor: Actor) -> MoveInItem:
    """Create or change an entry. ``values["data"]``: its special values, those of :data:`OF_LIST` and no others.

    Raises:
        FieldErrors: a special value is missing, unknown or does not fit, or other entries need the one withdrawn.
    """
    actor.require("create" if item is None else "update", "MoveInItem")
    list_name = item.list_name if item else values["list_name"]
    if list_name not in LISTS or not _CODE.fullmatch(item.code if item else values["code"]):
        raise FieldErrors({"code": _("A code has small letters, digits, dots and lines only.")})
    data = _checked(session, actor.estate_id, list_name, values.pop("data", item.data if item else {}))
    if item is None:
        item = MoveInItem(estate_id=actor.estate_id, active=True)
        session.add(item)
    with session.no_autoflush:
        for name, value in values.items():
            setattr(item, name, value)
        if data != item.data:
            item.data = data
        if not item.active:
            _refuse_if_needed(session, item)
    session.flush()
    return item


def _refuse_if_needed(session: Session, item: MoveInItem) -> None:
    """Trades and spaces that active entries name, and the last layout, stay in use."""
    mine = (MoveInItem.estate_id == item.estate_id, MoveInItem.active, MoveInItem.id != item.id)
    others = session.scalars(
        select(MoveInItem).where(*mine, MoveInItem.list_name.in_(("check_items", "layouts")))
    ).all()
    named: dict[str, Callable[[MoveInItem], bool]] = {
        "trades": lambda e: e.list_name == "check_items" and e.data.get("trade") == item.code,
        "spaces": lambda e: e.list_name == "layouts" and item.code in {room["space"] for room in e.data["rooms"]},
    }
    user = next((e for e in others if item.list_name in named and named[item.list_name](e)), None)
    if user is not None:
        text = _("“%(entry)s” in the list “%(list)s” still uses it.", entry=str(user), list=LISTS[user.list_name])
        raise FieldErrors({"active": text})
    if item.list_name == "layouts" and not any(e.list_name == "layouts" for e in others):
        raise FieldErrors({"active": _("One layout has to stay.")})


def _checked(session: Session, estate_id: int | None, list_name: str, data: Any) -> dict[str, Any]:
    names = OF_LIST.get(list_name, ())
    if not isinstance(data, dict) or data.keys() - set(names):
        raise FieldErrors({"data": _("The entry needs exactly these: %(names)s.", names=", ".join(names))})
    found, errors = {}, {}
    for name in names:
        datum, value = DATA[name], data.get(name)
        if value in (None, "", [], {}) and not isinstance(value, bool):
            if datum.form is Form.TEXT and not datum.required:
                found[name] = ""
            elif (list_name, name) not in OPTIONAL:
                errors[f"data_{name}"] = _("“%(field)s” must be filled in.", field=datum.title)
            continue
        try:
            found[name] = _read(datum, value, datum.offered(session, estate_id) if datum.choices else {})
        except ValueError as error:
            errors[f"data_{name}"] = f"{datum.title}: {error}"
    if errors:
        raise FieldErrors(errors)
    return found


def _read(datum: Datum, value: Any, offered: Mapping[str, str]) -> Any:
    """The value as it is stored. Raises ValueError with a sentence when it is none."""
    fits = _("this does not fit.")
    match datum.form:
        case Form.WHOLE:
            if isinstance(value, bool) or not isinstance(value, int) or not datum.least <= value <= datum.most:
                raise ValueError(_("a whole number from %(least)s to %(most)s.", least=datum.least, most=datum.most))
        case Form.MONEY:
            text = str(value)
            if not re.fullmatch(r"[0-9]{1,8}(\.[0-9]{1,2})?", text):
                raise ValueError(_("an amount from 0 up, such as 50.00."))
            return f"{Decimal(text):.2f}"
        case Form.YES_NO:
            if not isinstance(value, bool):
                raise ValueError(fits)
        case Form.TEXT:
            if not isinstance(value, str) or len(value) > datum.most:
                raise ValueError(_("at most %(count)s characters.", count=datum.most))
        case Form.BOTH:
            if not isinstance(value, dict) or value.keys() != {"zh", "en"} or not all(map(_is_text, value.values())):
                raise ValueError(_("a Chinese and an English text are needed."))
            if any(len(text) > datum.most for text in value.values()):
                raise ValueError(_("at most %(count)s characters.", count=datum.most))
        case Form.ONE:
            if not isinstance(value, str) or value not in offered:
                raise ValueError(_("“%(value)s” is not among the values offered.", value=str(value)[:60]))
        case Form.SEVERAL:
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise ValueError(fits)
            if unknown := [one for one in value if one not in offered]:
                raise ValueError(_("“%(value)s” is not among the values offered.", value=unknown[0][:60]))
            return [code for code in offered if code in value]
        case Form.ROOMS:
            return list(_rooms(value, offered))
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _rooms(value: Any, spaces: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The rooms of a layout; a space may be given by its code or title, a room without a code is called like its space."""
    if not isinstance(value, list) or len(value) > 40 or not all(isinstance(room, dict) for room in value):
        raise ValueError(_("this does not fit."))
    codes, seen = {title: code for code, title in spaces.items()}, set[str]()
    for room in value:
        given = {name: text for name, text in room.items() if text}
        if given.keys() - ROOM.keys() or not all(isinstance(text, str) and len(text) <= 100 for text in given.values()):
            raise ValueError(_("this does not fit."))
        named = given.get("space", "")
        space = named if named in spaces else codes.get(named)
        if space is None:
            raise ValueError(_("“%(value)s” is not in the list “%(list)s”.", value=named[:60], list=LISTS["spaces"]))
        free = (space if n == 1 else f"{space}_{n}" for n in range(1, 99))
        code = given.get("code") or next(name for name in free if name not in seen)
        if code in seen or not _CODE.fullmatch(code):
            raise ValueError(
                _("the code “%(code)s” stands twice or has other than small letters, digits and lines.", code=code[:40])
            )
        if ("zh" in given) != ("en" in given):
            raise ValueError(_("a room has its own name in both languages or in none."))
        seen.add(code)
        yield {"code": code, "space": space, **{name: given[name] for name in ("zh", "en") if name in given}}
