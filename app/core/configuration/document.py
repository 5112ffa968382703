"""The file: one JSON document that people can read, with the version of its form, the product's, and the estate's name."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l

import config
from app.core.configuration.kinds import Entry
from app.core.records.estate import Estate
from app.core.records.identifiers import InvalidValue

FORMAT, VERSION = "guanjia-configuration", 1
MEDIA = "application/json"
MOST_BYTES = 4 * 1024 * 1024
MOST_ENTRIES = 5000
DEEPEST = 20
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Document:
    """A configuration file as read. ``parts``: entries by the code of their part, in the order of the file."""

    estate: str
    product: str
    made_at: str
    parts: Mapping[str, list[Entry]]


def product_version() -> str:
    """Version of this product."""
    with (config.ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def written(estate: Estate, parts: Mapping[str, list[Entry]], moment: datetime) -> bytes:
    """The document of an estate's settings."""
    head = {
        "format": FORMAT,
        "version": VERSION,
        "product": product_version(),
        "estate": {"code": estate.code, "name_zh": estate.name_zh, "name_en": estate.name_en},
        "made_at": moment.isoformat(timespec="seconds"),
    }
    return (json.dumps({**head, "parts": parts}, ensure_ascii=False, indent=2) + "\n").encode()


def read_document(data: bytes) -> Document:
    """Read an uploaded file, which may hold anything.

    Raises:
        InvalidValue: too large, no JSON, no configuration, of a newer version, or beyond the limits above.
    """
    if len(data) > MOST_BYTES:
        raise InvalidValue(_l("The file is larger than %(limit)s MB.", limit=MOST_BYTES // 1024 // 1024))
    foreign = InvalidValue(_l("This is no configuration file of this product."))
    try:
        found = json.loads(
            data.decode("utf-8-sig"), parse_float=_no_float, parse_int=_whole, parse_constant=_no_float,
            object_pairs_hook=_once,
        )  # fmt: skip
    except InvalidValue:
        raise
    except (ValueError, RecursionError):  # no UTF-8, no JSON, nested without end
        raise foreign from None
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("version"), int):
        raise foreign
    if found["version"] > VERSION:
        raise InvalidValue(
            _l("A newer version of this product made the file; bring this installation up to date first.")
        )
    parts = found.get("parts")
    if not isinstance(parts, dict) or not all(
        isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries) for entries in parts.values()
    ):
        raise foreign
    if sum(map(len, parts.values())) > MOST_ENTRIES:
        raise InvalidValue(_l("The file has more than %(count)s entries.", count=MOST_ENTRIES))
    _look_through(parts)
    given = found.get("estate")
    estate = given if isinstance(given, dict) else {}
    names = [str(estate.get(name, ""))[:100] for name in ("code", "name_zh", "name_en")]
    return Document(
        estate=" ".join(filter(None, names)), product=str(found.get("product", ""))[:20],
        made_at=str(found.get("made_at", ""))[:25], parts=parts,
    )  # fmt: skip


def _look_through(value: Any) -> None:
    """Refuse characters that no setting holds and values nested too deep."""
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if depth > DEEPEST:
            raise InvalidValue(_l("The values of the file are nested too deep."))
        if isinstance(one, str) and _UNREADABLE.search(one):
            raise InvalidValue(_l("The file holds characters that cannot be stored."))
        inside: Iterable[Any] = (*one, *one.values()) if isinstance(one, dict) else one if isinstance(one, list) else ()
        waiting += [(piece, depth + 1) for piece in inside]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidValue(_l("A name stands twice in the same place of the file."))
    return found


def _no_float(text: str) -> Any:
    raise InvalidValue(
        _l("Numbers with decimals stand between quotation marks; %(number)s does not.", number=text[:20])
    )


def _whole(text: str) -> int:
    if len(text) > 18:
        raise InvalidValue(_l("A number of the file is too large."))
    return int(text)
