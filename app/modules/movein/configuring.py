"""Lists, check matrix and standing texts on the page of settings and in the configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.configuration.kinds import ConfigPart, ConfigValues, Entry, Group, Key, Setting
from app.core.records.identifiers import InvalidValue
from app.modules.movein.item_views import MoveInItemView
from app.modules.movein.lists import MATRIX, save_item
from app.modules.movein.models import MoveInItem, StandingTextVersion
from app.modules.movein.services import content_of, save_text
from app.modules.movein.standing import from_edit
from app.modules.movein.states import LISTS
from app.modules.movein.text_views import CODES, StandingTextPage


def _part(code: str, title: Any, matrix: bool, order: int) -> ConfigPart:
    return ConfigPart(
        code=code, title=title, model=MoveInItem, key=("list_name", "code"), resource="MoveInItem", save=save_item,
        columns=("seq", "title_zh", "title_en", "data", "active"), withdraw=("active", False), order=order,
        where=lambda: [MoveInItem.list_name.in_(MATRIX) if matrix else MoveInItem.list_name.not_in(MATRIX)],
        labels={"data": _l("Special data")},
    )  # fmt: skip


def _in_force(session: Session, estate_id: int) -> dict[str, StandingTextVersion]:
    mine = (StandingTextVersion.estate_id == estate_id, StandingTextVersion.published_at.is_not(None))
    rows = session.scalars(select(StandingTextVersion).where(*mine).order_by(StandingTextVersion.number))
    return {row.code: row for row in rows if row.code in CODES}


def _texts(session: Session, estate_id: int) -> Mapping[Key, Entry]:
    found = _in_force(session, estate_id)
    return {(code,): _plain(asdict(content_of(found[code]))) for code in CODES if code in found}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inside) for name, inside in value.items()}
    return [_plain(inside) for inside in value] if isinstance(value, list | tuple) else value


def _save_text(session: Session, key: Key, values: Entry, *, actor: Actor) -> None:
    """The text of the file comes into force as a new version, unless it is the one in force."""
    present = _in_force(session, int(actor.estate_id or 0)).get(key[0])
    if present is None or values.get("form_no", key[0]) != key[0]:
        raise InvalidValue(_l("This installation has no such standing text."))
    now_here = asdict(content_of(present))
    if values.keys() - now_here.keys():
        raise InvalidValue(_l("The text has parts that this version of the product does not know."))
    wanted = {**now_here, **values, **{name: now_here[name] for name in ("code", "form_no")}}
    if asdict(from_edit(wanted)) != now_here:
        save_text(session, code=key[0], content=wanted, publish=True, actor=actor)


LISTS_PART = _part("movein_lists", _l("Lists of the move-in"), False, 90)
MATRIX_PART = _part("check_matrix", _l("Check matrix"), True, 91)
TEXTS = ConfigValues(
    code="standing_texts", title=_l("Standing texts"), resource="StandingText", key="form", read=_texts, save=_save_text,
    labels={
        "title": _l("Title"), "intro": _l("Opening"), "sections": _l("Section"), "closing": _l("Closing"),
        "signatures": _l("Signature"), "revision": _l("Revision"),
    },
    order=100,
)  # fmt: skip


def _setting(name: str, sentence: Any, order: int) -> Setting:
    group = Group.MATRIX if name in MATRIX else Group.LISTS
    return Setting(
        code=f"movein_{name}", title=LISTS[name], group=group, view=MoveInItemView, models=(MoveInItem,), sentence=sentence,
        counted=lambda: [MoveInItem.list_name == name, MoveInItem.active], arguments=(("list_name", name),),
        icon="list-check", order=order,
    )  # fmt: skip


SETTINGS = (
    _setting("required_papers", _l("What the counter checks before fees."), 30),
    _setting("handout_documents", _l("What owners receive against their signature."), 31),
    _setting("procedure_steps", _l("The stations printed on the procedure slip."), 32),
    _setting("entrusted_services", _l("What owners may entrust to the centre, free or at its price."), 33),
    _setting("key_kinds", _l("Keys and cards handed over, with their number and deposit."), 34),
    _setting("check_items", _l("What is inspected in which space: the check matrix."), 40),
    _setting("trades", _l("The trades of the check matrix, with their limits."), 41),
    _setting("spaces", _l("The spaces of a unit, in walking order."), 42),
    _setting("layouts", _l("Which rooms a unit has, by its number of bedrooms."), 43),
    _setting("limits", _l("In how many days a defect is to be rectified."), 44),
    _setting("responsible_parties", _l("Who may have to rectify a defect."), 45),
    Setting(
        code="standing_texts", title=_l("Standing texts"), group=Group.PAPERS, view=StandingTextPage,
        models=(StandingTextVersion,), counted=lambda: [StandingTextVersion.published_at.is_not(None)],
        sentence=_l("The texts F02–F09 that owners receive and sign."), icon="file-text", order=20,
    ),
)  # fmt: skip
