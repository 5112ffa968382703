"""Closed lists of values in columns: an enum whose members carry their translatable title."""

from enum import StrEnum
from typing import Any

from flask_babel import get_locale
from sqlalchemy import Enum


class Choice(StrEnum):
    """Base of closed lists; a member is ``NAME = "stored value", _l("Title")``, with a badge also ``, "green"``."""

    title: Any
    _badge: str

    def __new__(cls, value: str, title: Any = "", badge: str = "") -> "Choice":
        member = str.__new__(cls, value)
        member._value_ = value
        member.title, member._badge = title, badge
        return member

    @property
    def colour(self) -> str:
        """Tabler colour of the member's badge; empty: it shows as plain text."""
        return self._badge


def choice(of: type[Choice], rule: str) -> Enum:
    """Column type that stores the member's value as text; the database refuses others by the CHECK named ``rule``."""
    return Enum(of, name=rule, native_enum=False, create_constraint=True, length=30, values_callable=_values)


def in_language(zh: str, en: str) -> str:
    """The text of a code list in the reader's language; the Chinese one where there is no reader or no English."""
    locale = get_locale()
    return zh if not en or locale is None or locale.language == "zh" else en


def _values(of: type[Choice]) -> list[str]:
    return [member.value for member in of]  # plain texts, which migrations can spell
