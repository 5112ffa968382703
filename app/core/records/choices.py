"""Closed lists of values in columns: an enum whose members carry their translatable title."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from flask_babel import force_locale, get_locale
from sqlalchemy import Dialect, Enum, String, TypeDecorator


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


BETWEEN = "\x1f"
"""Sign between the Chinese and the English of a text that is kept in both."""


def in_both(text: Callable[[], str], most: int) -> str:
    """What ``text`` says in Chinese and in English, to be stored in one column of ``most`` characters.

    One text where both are the same; :func:`in_one` gives back the reader's.
    """
    said = []
    for language in ("zh", "en"):
        with force_locale(language):
            said.append(str(text()))
    zh, en = said
    return zh[:most] if zh == en else f"{zh[: most // 2]}{BETWEEN}{en[: most // 2 - 1]}"


def in_one(text: str) -> str:
    """The reader's side of a text stored by :func:`in_both`; any other text as it is."""
    zh, between, en = text.partition(BETWEEN)
    return in_language(zh, en) if between else text


class BothLanguages(TypeDecorator[str]):
    """A column of what :func:`in_both` makes, read in the language of the reader."""

    impl, cache_ok = String, True

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else in_one(value)


def _values(of: type[Choice]) -> list[str]:
    return [member.value for member in of]  # plain texts, which migrations can spell
