"""Translations looked up quickly: a page asks for some hundred short texts.

Flask-Babel makes a new domain for every request, which reads the catalogue from disk again, and finds the language of
each text anew; ours keeps the catalogues as long as the process lives and asks the request's context directly.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import g
from flask_babel import Domain, get_locale, get_translations
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup


class Catalogues(Domain):
    """Flask-Babel's domain, remembering the catalogue of each language."""

    def __init__(self, like: Domain) -> None:
        super().__init__(like.translation_directories, like.domain[0])
        self.domain = like.domain
        self._of_language: dict[str, Any] = {}

    def as_default(self) -> None:
        """Make the catalogues the domain of the request that begins."""
        super().as_default()
        context = g._flask_babel
        context.babel_domain = OfRequest(self, context)

    def get_translations(self) -> Any:
        locale = get_locale()
        if locale is None:
            return super().get_translations()
        found = self._of_language.get(locale.language)
        if found is None:
            found = self._of_language[locale.language] = super().get_translations()
        return found


class OfRequest(Domain):
    """The catalogues in the language of one request, as Flask-Babel (and whoever changes it) keeps it in ``context``."""

    def __init__(self, catalogues: Catalogues, context: SimpleNamespace) -> None:
        super().__init__(catalogues.translation_directories, catalogues.domain[0])
        self.domain = catalogues.domain
        self._catalogues, self._context = catalogues, context

    def get_translations(self) -> Any:
        locale = getattr(self._context, "babel_locale", None)
        found = self._catalogues._of_language.get(locale.language) if locale else None
        return found or self._catalogues.get_translations()


@pass_eval_context
def translated(evaluation: EvalContext, message: str, /, **values: Any) -> str:
    """``_("…")`` of the templates: what Jinja's own extension does in three calls more."""
    said = get_translations().ugettext(message)
    if not values:
        said %= ()
        return Markup(said) if evaluation.autoescape else said  # noqa: S704  (messages are ours)
    return (Markup(said) if evaluation.autoescape else said) % values  # noqa: S704  (the same)
