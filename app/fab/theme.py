"""What every template can use: icons, versioned assets, formats; and where modules keep their templates."""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, request
from jinja2 import ChoiceLoader, FileSystemLoader
from markupsafe import Markup

from app.core.access.masking import mask_id, mask_phone
from app.core.clocks.queries import clocks_of
from app.core.clocks.words import clock_colour, clock_text, deadline_colour, deadline_text
from app.core.records.amounts import format_area, format_money, in_words_zh
from app.fab.cells import cell_of, day, limit, moment, number
from app.fab.drawing import drawn
from app.fab.fields import title_of
from app.fab.submit import fresh_token, submit_token
from app.fab.views import address_of, kind_of, record_views

APP = Path(__file__).resolve().parent.parent


def prepare_templates(app: Flask) -> None:
    """Give the templates of ``app`` our names and find those of the modules."""
    folders = sorted(str(f) for place in ("core", "modules", "") for f in (APP / place).glob("*/templates"))
    app.jinja_loader = ChoiceLoader([FileSystemLoader(str(APP / "templates")), FileSystemLoader(folders)])
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        icon=icon, asset=asset, submit_token=submit_token, address_of=address_of, title_of=title_of,
        record_views=record_views, cell_of=cell_of, clocks_of=clocks_of, kind_of=kind_of, fresh_token=fresh_token,
        drawn=drawn,
    )  # fmt: skip
    app.jinja_env.filters.update(
        money=_of(format_money), words=_of(in_words_zh), area=_of(format_area), day=_of(day), limit=_of(limit), moment=_of(moment),
        number=_of(number), mask_phone=_of(mask_phone), mask_id=_of(mask_id), title_of=_of(title_of), clock_text=clock_text,
        clock_colour=clock_colour, deadline_text=deadline_text, deadline_colour=deadline_colour,
    )  # fmt: skip


def _of(form: Any) -> Any:
    """``form`` for values, nothing for nothing."""

    def filtered(value: Any) -> Any:
        return "" if value is None or value == "" else form(value)

    return filtered


def icon(name: str, label: Any = "", extra: str = "") -> Markup:
    """An icon of the sprite; with ``label`` it speaks for itself, otherwise it is decoration."""
    return _icon(name, str(label), extra, request.script_root)


@lru_cache(maxsize=2000)  # a page has some hundred
def _icon(name: str, label: str, extra: str, root: str) -> Markup:
    sprite = root + _versioned("vendor/icons.svg")
    said = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon {}" {}><use href="{}#{}"></use></svg>').format(extra, said, sprite, name)


def asset(name: str) -> str:
    """Address of a static file that changes with its content, so that browsers may keep it."""
    return request.script_root + _versioned(name)


@cache  # files change with the program only
def _versioned(name: str) -> str:
    fingerprint = hashlib.sha256((APP / "static" / name).read_bytes()).hexdigest()[:10]
    return f"{current_app.static_url_path}/{name}?v={fingerprint}"
