"""Personal data in columns: encrypted at rest, found by keyed hashes."""

from collections.abc import Callable
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Dialect, Text, event
from sqlalchemy.orm import Mapper
from sqlalchemy.types import TypeDecorator

from app.core.access.keyring import current_keyring

TAIL = 4


class EncryptedText(TypeDecorator[str]):
    """Text that the database only ever sees encrypted. It cannot be compared or sorted in SQL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else current_keyring().encrypt(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else current_keyring().decrypt(value)


class HasSecrets:
    """Mixin that keeps the search hashes of encrypted columns true.

    ``__secrets__`` names each column and the function that brings its text to one spelling (it may raise
    ``InvalidValue``). Whenever ``phone`` is set, ``phone_hash`` gets the blind index of the whole number and
    ``phone_tail`` that of its last four characters, as far as the class has these columns (``String(64)``, indexed).
    An empty text is stored as NULL. Hashes are comparable between all classes that call the column the same.
    Core-level updates bypass this.
    """

    __secrets__: ClassVar[dict[str, Callable[[str], str]]] = {}

    @classmethod
    def secret_is(cls, column: str, text: str) -> ColumnElement[bool]:
        """Criterion: the whole value of ``column`` is ``text``, however it is spelt."""
        return getattr(cls, f"{column}_hash") == current_keyring().blind_index(column, cls.__secrets__[column](text))

    @classmethod
    def secret_ends(cls, column: str, tail: str) -> ColumnElement[bool]:
        """Criterion: the value of ``column`` ends with these four characters."""
        return getattr(cls, f"{column}_tail") == _tail_index(column, tail.strip().upper())


def _tail_index(column: str, normalised: str) -> str:
    return current_keyring().blind_index(f"{column}.tail", normalised[-TAIL:].upper())


def _keep_hashes(mapper: Mapper[Any], cls: type[HasSecrets]) -> None:
    for name, normalise in cls.__secrets__.items():
        event.listen(getattr(cls, name), "set", _hash_setter(mapper, name, normalise), retval=True)


def _hash_setter(mapper: Mapper[Any], name: str, normalise: Callable[[str], str]) -> Callable[..., str | None]:
    indexes: list[tuple[str, Callable[[str], str]]] = []
    if f"{name}_hash" in mapper.columns:
        indexes.append((f"{name}_hash", lambda text: current_keyring().blind_index(name, text)))
    if f"{name}_tail" in mapper.columns:
        indexes.append((f"{name}_tail", lambda text: _tail_index(name, text)))

    def on_set(record: HasSecrets, value: str | None, _old: object, _initiator: object) -> str | None:
        normalised = normalise(value) if value else None
        for column, index in indexes:
            setattr(record, column, index(normalised) if normalised else None)
        return value or None

    return on_set


event.listen(HasSecrets, "mapper_configured", _keep_hashes, propagate=True)
