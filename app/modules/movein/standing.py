"""Standing texts handed out at move-in (F02–F09, MI-01): load, edit, fill in.

A standing text is plain bilingual text in sections. It carries no mark-up: the paper template gives it its looks and
numbers its sections and clauses. Values of the unit come in through `{{ placeholders }}` from the fixed list
`PLACEHOLDERS`; nothing else is evaluated.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from app.core.papers.base.context import Bilingual
from app.core.records.identifiers import InvalidValue

PLACEHOLDERS: dict[str, Any] = {
    "estate_name": _l("name of the estate"),
    "company": _l("property service enterprise"),
    "developer": _l("developer"),
    "unit_code": _l("unit code, such as 1-03-2-1502"),
    "owner_name": _l("names of the owners"),
    "gross_area": _l("gross floor area in m², two decimals, no unit sign"),
    "internal_area": _l("internal floor area in m², two decimals, no unit sign"),
    "layout": _l("layout of the unit"),
    "fee_rate": _l("property service fee in yuan per m² of gross floor area and month, number only"),
    "renovation_deposit": _l("renovation deposit in yuan, number only"),
    "bank_account": _l("account name, bank and account number for payments"),
    "service_phone": _l("service telephone of the property service centre"),
    "emergency_phone": _l("emergency repair telephone"),
    "complaint_phone": _l("complaint and supervision telephone"),
    "address": _l("address of the property service centre"),
    "working_hours": _l("permitted hours of renovation work"),
    "handover_date": _l("date the unit is handed over"),
    "today": _l("date of issue"),
}
"""What a text may ask for, with its meaning as shown beside the editor."""

PARTIES = ("owner", "centre", "developer")

BLANK = "_" * 12
DATE_BLANK = {"zh": "______年____月____日", "en": "____________"}
DATES = frozenset({"handover_date", "today"})

MAX_SECTIONS = 40
MAX_PARAGRAPHS = 40
MAX_COLUMNS = 6
MAX_ROWS = 60
MAX_SIGNATURES = 6
MAX_LABEL = 120
MAX_CHARACTERS = 2000

_PLACEHOLDER = re.compile(r"\{\{\s*(\w*)\s*\}\}")
_TAG = re.compile(r"<!--.*?-->|</?[A-Za-z][^<>]*>", re.DOTALL)


@dataclass(frozen=True)
class Table:
    """A table with named columns; every row has one cell per column."""

    columns: tuple[Bilingual, ...]
    rows: tuple[tuple[Bilingual, ...], ...]


@dataclass(frozen=True)
class Section:
    """A heading with its clauses; `numbered` is false for parts that stand outside the clause numbers."""

    heading: Bilingual
    paragraphs: tuple[Bilingual, ...]
    table: Table | None
    numbered: bool


@dataclass(frozen=True)
class Signer:
    """Who signs: one of `PARTIES` and the role printed above the line."""

    party: str
    role: Bilingual


@dataclass(frozen=True)
class StandingText:
    """A complete text, ready to be filled in and printed. `signatures` are those who sign, in order."""

    code: str
    form_no: str
    revision: str
    title: Bilingual
    intro: Bilingual
    sections: tuple[Section, ...]
    closing: Bilingual
    signatures: tuple[Signer, ...]


def load(path: Path) -> StandingText:
    """Read a seed text from YAML. Raises InvalidValue (a ValueError) naming the place of the first fault."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict):
        raise InvalidValue(_l("%(file)s does not hold a standing text.", file=path.name))
    return _Reader(clean=str.strip).standing_text(data)


def from_edit(data: Mapping[str, Any]) -> StandingText:
    """Take a text edited in the browser (the shape of `dataclasses.asdict`), reduced to plain text.

    Tags, control and direction characters are dropped; lengths and row counts are capped. Raises InvalidValue with
    a sentence for the person who edits.
    """
    return _Reader(clean=plain).standing_text(data)


def fill(text: StandingText, values: Mapping[str, str | Bilingual | None]) -> StandingText:
    """Put `values` in place of the placeholders; a missing or empty value leaves a line to write on.

    A value is a string for both languages or a `Bilingual`. Raises InvalidValue for a name that is no placeholder.
    """
    if unknown := sorted(set(values) - set(PLACEHOLDERS)):
        raise InvalidValue(_l("Unknown placeholder: %(names)s", names=", ".join(unknown)))

    def put(language: str, source: str) -> str:
        def value(match: re.Match[str]) -> str:
            found = values.get(match[1])
            found = getattr(found, language) if isinstance(found, Bilingual) else found
            return found or (DATE_BLANK[language] if match[1] in DATES else BLANK)

        return _PLACEHOLDER.sub(value, source)

    def each(piece: Bilingual) -> Bilingual:
        return Bilingual(put("zh", piece.zh), put("en", piece.en))

    return replace(
        text,
        title=each(text.title),
        intro=each(text.intro),
        sections=tuple(_map_section(section, each) for section in text.sections),
        closing=each(text.closing),
        signatures=tuple(replace(signer, role=each(signer.role)) for signer in text.signatures),
    )


def plain(value: str) -> str:
    """Plain text of what was typed or pasted: no tags, no control or direction characters, single spaces."""
    kept = (c if unicodedata.category(c) not in {"Cc", "Cf", "Co", "Cs", "Cn"} else " " for c in _TAG.sub(" ", value))
    return " ".join("".join(kept).split())


def _map_section(section: Section, each: Callable[[Bilingual], Bilingual]) -> Section:
    table = section.table
    if table is not None:
        table = Table(tuple(map(each, table.columns)), tuple(tuple(map(each, row)) for row in table.rows))
    return replace(section, heading=each(section.heading), paragraphs=tuple(map(each, section.paragraphs)), table=table)


@dataclass(frozen=True)
class _Reader:
    """Reads untrusted data into a standing text; `clean` is applied to every string after its length is checked."""

    clean: Callable[[str], str]

    def standing_text(self, data: Mapping[str, Any]) -> StandingText:
        sections = self.many(data.get("sections"), _l("sections"), MAX_SECTIONS)
        if not sections:
            raise InvalidValue(_l("%(place)s: nothing is there.", place=_l("sections")))
        signers = self.many(data.get("signatures"), _l("signatures"), MAX_SIGNATURES)
        return StandingText(
            code=self.word(data, "code"),
            form_no=self.word(data, "form_no"),
            revision=self.word(data, "revision"),
            title=self.text(data.get("title"), _l("title"), limit=MAX_LABEL),
            intro=self.text(data.get("intro"), _l("opening")),
            sections=tuple(
                self.section(value, _l("section %(number)s", number=i)) for i, value in enumerate(sections, 1)
            ),
            closing=self.text(data.get("closing"), _l("closing")),
            signatures=tuple(
                self.signer(value, _l("signature %(number)s", number=i)) for i, value in enumerate(signers, 1)
            ),
        )

    def word(self, data: Mapping[str, Any], name: str) -> str:
        value = data.get(name)
        if not isinstance(value, str) or len(value) > MAX_LABEL or not self.clean(value):
            raise InvalidValue(_l("%(place)s is missing or too long.", place=name))
        return self.clean(value)

    def text(self, value: Any, place: LazyString | str, *, limit: int = MAX_CHARACTERS) -> Bilingual:
        if not isinstance(value, Mapping):
            raise InvalidValue(_l("%(place)s needs a Chinese and an English text.", place=place))
        both = {}
        for language, name in (("zh", _l("Chinese")), ("en", _l("English"))):
            raw = value.get(language)
            if isinstance(raw, str) and len(raw) > limit:
                raise InvalidValue(_l("%(place)s is longer than %(limit)s characters.", place=place, limit=limit))
            if not isinstance(raw, str) or not (cleaned := self.clean(raw)):
                raise InvalidValue(_l("%(place)s has no text in %(language)s.", place=place, language=name))
            both[language] = _checked(cleaned, place)
        return Bilingual(**both)

    def many(self, value: Any, place: LazyString | str, limit: int) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise InvalidValue(_l("%(place)s: a list is expected.", place=place))
        if len(value) > limit:
            raise InvalidValue(_l("%(place)s: there are more than %(limit)s entries.", place=place, limit=limit))
        return list(value)

    def section(self, value: Any, place: LazyString | str) -> Section:
        if not isinstance(value, Mapping):
            raise InvalidValue(_l("%(place)s needs a Chinese and an English text.", place=place))
        heading = self.text(value.get("heading"), _l("%(place)s, heading", place=place), limit=MAX_LABEL)
        paragraphs = tuple(
            self.text(paragraph, _l("%(place)s, paragraph %(number)s", place=place, number=i))
            for i, paragraph in enumerate(self.many(value.get("paragraphs", []), place, MAX_PARAGRAPHS), 1)
        )
        table = self.table(value["table"], _l("%(place)s, table", place=place)) if value.get("table") else None
        if not paragraphs and table is None:
            raise InvalidValue(_l("%(place)s: nothing is there.", place=place))
        return Section(heading, paragraphs, table, value.get("numbered", True) is not False)

    def table(self, value: Any, place: LazyString | str) -> Table:
        if not isinstance(value, Mapping):
            raise InvalidValue(_l("%(place)s: a table is expected.", place=place))
        columns = tuple(
            self.text(cell, place, limit=MAX_LABEL) for cell in self.many(value.get("columns"), place, MAX_COLUMNS)
        )
        rows = []
        for i, row in enumerate(self.many(value.get("rows"), place, MAX_ROWS), 1):
            where = _l("%(place)s, row %(number)s", place=place, number=i)
            cells = self.many(row, where, MAX_COLUMNS)
            if len(cells) != len(columns):
                counts = {"got": len(cells), "want": len(columns)}
                raise InvalidValue(_l("%(place)s has %(got)s cells for %(want)s columns.", place=where, **counts))
            rows.append(tuple(self.cell(cell, where) for cell in cells))
        if not columns or not rows:
            raise InvalidValue(_l("%(place)s: nothing is there.", place=place))
        return Table(columns, tuple(rows))

    def cell(self, value: Any, place: LazyString | str) -> Bilingual:
        """A cell may be one string for both languages (a number, a telephone)."""
        return self.text({"zh": value, "en": value} if isinstance(value, str) else value, place)

    def signer(self, value: Any, place: LazyString | str) -> Signer:
        if not isinstance(value, Mapping) or value.get("party") not in PARTIES:
            raise InvalidValue(_l("%(place)s: the party is none of %(names)s.", place=place, names=", ".join(PARTIES)))
        return Signer(value["party"], self.text(value.get("role"), place, limit=MAX_LABEL))


def _checked(value: str, place: LazyString | str) -> str:
    for name in _PLACEHOLDER.findall(value):
        if name not in PLACEHOLDERS:
            raise InvalidValue(_l("%(place)s uses an unknown placeholder: %(name)s", place=place, name=name or "{{ }}"))
    if "{{" in (rest := _PLACEHOLDER.sub("", value)) or "}}" in rest or "{%" in rest:
        raise InvalidValue(_l("%(place)s has unmatched placeholder braces.", place=place))
    return value
