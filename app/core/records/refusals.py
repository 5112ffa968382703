"""Why a write cannot be done, said field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class FieldErrors(ValueError):
    """The values do not fit; ``errors`` maps a column name to its (translatable) sentence, ``""`` to one for the whole."""

    def __init__(self, errors: Mapping[str, Any]) -> None:
        self.errors = dict(errors)
        super().__init__(" ".join(str(sentence) for sentence in self.errors.values()))
