"""What modules tell the messages about: the events that people and other systems can hear of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import force_locale
from flask_babel import lazy_gettext as _l

from app.core.records.choices import Choice

LANGUAGES = ("zh", "en")


class Channel(Choice):
    """How a person can hear of an event."""

    NOTICE = "notice", _l("In the program")
    EMAIL = "email", _l("By e-mail")


@dataclass(frozen=True, kw_only=True)
class MessageEvent:
    """Something people want to hear of. Contribute it with ``registry.contribute(MessageEvent(...))``.

    ``sentence`` is a lazy text whose places are filled when it is read, in the reader's language; ``%(actor)s`` (who
    acted) and ``%(label)s`` (the record's title) are always there, the others are given to
    :func:`app.core.messages.services.notify`. It should name no more than its reader may know, for it also goes out by
    e-mail and webhook. ``channels``: those switched on for people who have not chosen.
    """

    code: str
    title: Any
    sentence: Any
    channels: tuple[str, ...] = (Channel.NOTICE,)

    def said(self, values: Mapping[str, Any], language: str) -> str:
        """The sentence with its places filled; a value may be one text, or a mapping with one per language."""
        filled = {
            name: value.get(language, "") if isinstance(value, Mapping) else value for name, value in values.items()
        }
        with force_locale(language):
            return str(self.sentence) % filled

    def titled(self, language: str) -> str:
        with force_locale(language):
            return str(self.title)
