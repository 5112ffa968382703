"""Translations looked up quickly: a list page asks for some hundred short texts.

Flask-Babel makes a new domain for every request, which reads the catalogue from disk again; ours lives as long as the
process and is made the request's domain when the request enters.
"""

from __future__ import annotations

from typing import Any

from flask_babel import Domain, get_locale


class Catalogues(Domain):
    """Flask-Babel's domain, remembering the catalogue of each language."""

    def __init__(self, like: Domain) -> None:
        super().__init__(like.translation_directories, like.domain[0])
        self.domain = like.domain
        self._of_language: dict[str, Any] = {}

    def get_translations(self) -> Any:
        locale = get_locale()
        if locale is None:
            return super().get_translations()
        found = self._of_language.get(locale.language)
        if found is None:
            found = self._of_language[locale.language] = super().get_translations()
        return found
