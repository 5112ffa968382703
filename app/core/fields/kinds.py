"""A field without code as processes keep it: what it is called, who sees it, what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.access.actor import Actor
from app.core.fields.models import LONGEST, FieldKind
from app.core.records.amounts import money
from app.core.records.choices import in_language
from app.core.records.identifiers import InvalidValue, day, halfwidth

PREFIX = "x_"
"""Begins the names of fields in forms, addresses, saved views and workbooks, where they stand beside columns."""
LARGEST = Decimal(10) ** 11
"""Numbers stay below this: with four decimals they have the fifteen digits that both databases keep exactly."""
YES, NO = {"yes", "y", "true", "1", "是", "有", "对", "√"}, {"no", "n", "false", "0", "否", "无", "×"}


@dataclass(frozen=True, kw_only=True)
class Extensible:
    """Records that fields can be added to; contributed by their module. ``name``: table name."""

    name: str
    title: Any


class FileId(int):
    """Id of the attachment that a file field holds, with the file's ``name``."""

    name: str = ""

    @classmethod
    def of(cls, number: int, name: str) -> FileId:
        found = cls(number)
        found.name = name
        return found


@dataclass(frozen=True, kw_only=True)
class Offered:
    """One value that a choice field offers, or offered once (``withdrawn``)."""

    code: str
    title_zh: str
    title_en: str
    withdrawn: bool = False

    @property
    def title(self) -> str:
        """In the reader's language."""
        return in_language(self.title_zh, self.title_en)


@dataclass(frozen=True, kw_only=True)
class Field:
    """The definition of a field. The attributes are those of :class:`~app.core.fields.models.CustomField`."""

    id: int
    record_type: str
    code: str
    kind: FieldKind
    title_zh: str
    title_en: str
    help_zh: str = ""
    help_en: str = ""
    section_zh: str = ""
    section_en: str = ""
    sequence: int = 0
    required: bool = False
    default: str = ""
    places: int = 0
    listed: bool = False
    searched: bool = False
    read_roles: frozenset[str] = frozenset()
    write_roles: frozenset[str] = frozenset()
    archived: bool = False
    choices: tuple[Offered, ...] = ()

    @property
    def name(self) -> str:
        """Its name beside columns: in forms, addresses (filters, sort, columns), saved views, workbooks."""
        return PREFIX + self.code

    @property
    def label(self) -> str:
        """In the reader's language, as ``help`` and ``section``."""
        return in_language(self.title_zh, self.title_en)

    @property
    def help(self) -> str:
        return in_language(self.help_zh, self.help_en)

    @property
    def section(self) -> str:
        return in_language(self.section_zh, self.section_en)

    @property
    def column(self) -> str:
        """Column of :class:`~app.core.fields.models.CustomValue` that holds its values."""
        return COLUMNS[self.kind]

    @property
    def decimals(self) -> int:
        """Decimals of a number or an amount of money."""
        return 2 if self.kind is FieldKind.MONEY else self.places

    def seen_by(self, actor: Actor) -> bool:
        """Whether the actor, who may read the record, sees the field."""
        return actor.system or not self.read_roles or bool(self.read_roles & actor.roles)

    def filled_by(self, actor: Actor) -> bool:
        """Whether the actor, who may change the record, fills the field in."""
        return self.seen_by(actor) and (actor.system or not self.write_roles or bool(self.write_roles & actor.roles))

    def choice(self, code: str) -> Offered:
        """The value with this code; of one that is not known, the bare code."""
        return next((c for c in self.choices if c.code == code), Offered(code=code, title_zh=code, title_en=code))

    def read(self, text: str) -> Any:
        """The value that a typed text stands for, as :meth:`fit` gives it; None for nothing.

        Raises:
            InvalidValue: the text is no such value.
        """
        text = text.replace("\0", "").strip()
        if not text:
            return None
        match self.kind:
            case FieldKind.NUMBER:
                return self.fit(_number(text))
            case FieldKind.DATE:
                return self.fit(day(text))
            case FieldKind.YES_NO:
                return _yes(text)
            case FieldKind.CHOICE:
                return self.fit(self._code_of(text))
            case FieldKind.FILE:
                raise InvalidValue(_l("A file cannot be typed; add it on the form of the record."))
        return self.fit(text)

    def fit(self, value: Any, stored: Any = None) -> Any:
        """``value`` as it is stored: str, Decimal, date, bool, the code of a choice, the id of an attachment.

        A withdrawn choice stays where it is ``stored``.

        Raises:
            InvalidValue: it is no value of this field.
        """
        if value is None or value == "":
            return None
        match self.kind:
            case FieldKind.TEXT:
                text = str(value).replace("\0", "").strip()
                if len(text) > LONGEST:
                    raise InvalidValue(_l("At most %(count)s characters.", count=LONGEST))
                return text or None
            case FieldKind.NUMBER:
                return self._fitting_number(Decimal(value))
            case FieldKind.MONEY:
                return money(value)
            case FieldKind.DATE:
                if not 1900 <= value.year < 3000:
                    raise InvalidValue(_l("Check the year."))
                return date(value.year, value.month, value.day)
            case FieldKind.CHOICE:
                offered = {c.code for c in self.choices if not c.withdrawn}
                if value not in offered and value != stored:
                    raise InvalidValue(_l("Choose one of the values offered."))
                return value
            case FieldKind.YES_NO:
                return bool(value)
        return int(value)

    def first_value(self) -> Any:
        """The value of new records; None without a default, or when it is offered no longer."""
        try:
            return self.read(self.default)
        except InvalidValue:
            return None

    def _fitting_number(self, number: Decimal) -> Decimal:
        if not number.is_finite() or abs(number) >= LARGEST:
            raise InvalidValue(_l("The number is too large."))
        rounded = number.quantize(Decimal(1).scaleb(-self.places), ROUND_HALF_UP)
        if rounded != number:
            raise InvalidValue(_l("At most %(count)s decimals.", count=self.places))
        return rounded

    def _code_of(self, text: str) -> str:
        """The code of the choice that is called ``text``: by its code or a title."""
        wanted = halfwidth(text).casefold()
        for choice in sorted(self.choices, key=lambda c: c.withdrawn):
            if wanted in {halfwidth(name).casefold() for name in (choice.code, choice.title_zh, choice.title_en)}:
                return choice.code
        raise InvalidValue(
            _l("“%(text)s” is none of the values offered: %(values)s.", text=text[:50], values=self._offered())
        )

    def _offered(self) -> str:
        return in_language("、", ", ").join(c.title for c in self.choices if not c.withdrawn)


COLUMNS = {
    FieldKind.TEXT: "text",
    FieldKind.CHOICE: "text",
    FieldKind.NUMBER: "number",
    FieldKind.MONEY: "number",
    FieldKind.DATE: "day",
    FieldKind.YES_NO: "yes",
    FieldKind.FILE: "attachment_id",
}


def _number(text: str) -> Decimal:
    try:
        return Decimal(halfwidth(text).replace(",", "").replace(" ", "").replace("−", "-"))
    except InvalidOperation:
        raise InvalidValue(_l("“%(text)s” is no number; write it as 1409.5.", text=text[:50])) from None


def _yes(text: str) -> bool:
    said = halfwidth(text).casefold()
    if said not in YES | NO:
        raise InvalidValue(_l("Write yes or no."))
    return said in YES
