"""Translations looked up quickly: a page asks for some hundred short texts.

Flask-Babel makes a new domain for every request, which reads the catalogue from disk again, and finds the context and
the language of each text anew; ours keeps the catalogues as long as the process lives and asks the request's context
directly.
"""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import flask_babel
from flask import g
from flask_babel import Domain, get_locale
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


_usual = flask_babel.get_domain


def _domain_of_request() -> Domain:
    """What Flask-Babel's ``get_domain`` finds after asking four proxies; it and lazy texts call this for every text."""
    try:
        found: Domain = g._get_current_object()._flask_babel.babel_domain
        return found
    except (AttributeError, RuntimeError):  # nothing of this context was translated yet, or there is none
        return _usual()


flask_babel.get_domain = _domain_of_request


@pass_eval_context
def translated(evaluation: EvalContext, message: str, /, **values: Any) -> str:
    """``_("…")`` of the templates: what Jinja's own extension does in three calls more."""
    catalogue = _domain_of_request().get_translations()
    if not values:
        return _fixed(catalogue, message, evaluation.autoescape)
    said = catalogue.ugettext(message)
    return (Markup(said) if evaluation.autoescape else said) % values  # noqa: S704  (messages are ours)


@lru_cache(maxsize=10_000)  # some thousand messages in two languages
def _fixed(catalogue: Any, message: str, markup: bool) -> str:
    said = catalogue.ugettext(message) % ()
    return Markup(said) if markup else said  # noqa: S704  (the same)
