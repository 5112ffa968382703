"""The check before a template is published: it runs, it prints all the delivered form prints, it reaches nothing else."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from flask_babel import gettext as _

from app.core.papers.base.context import Header
from app.core.papers.editing.source import faults
from app.core.papers.editing.values import bare, name_of, names_used
from app.core.papers.models import LANGUAGES
from app.core.papers.render import PaperError
from app.core.papers.renderer import renderer
from app.core.papers.slots import Slot, shown
from app.core.papers.template import PaperTemplate, environment_of, load_paper

LARGE = "longest"
"""Name of the samples with the longest values."""


KEPT = 64
_passed: OrderedDict[tuple[str, str, str], None] = OrderedDict()
"""Folder, template version and samples of forms that passed: the check takes seconds, so it is made before a transaction begins
and not again inside it."""


def problems(template: PaperTemplate) -> list[str]:
    """What keeps an edited form from being published, as sentences; nothing when all is well.

    It is printed with the delivered samples in every language. A value that the delivered form prints must be legible
    on it, and every value of the record that the delivered form uses must be used.
    """
    assert template.edited is not None
    form = (str(template.folder), template.template_version, repr(template.sample_fields))
    if form in _passed:
        return []
    found = [str(fault) for fault in faults(environment_of(template.folder), template.edited.html, template.edited.css)]
    if found:
        return found
    found = [*_unused(template), *_unprinted(template), *_too_large(template)]
    if not found:
        _passed[form] = None
        while len(_passed) > KEPT:
            _passed.popitem(last=False)
    return found


def _unused(template: PaperTemplate) -> Iterator[str]:
    delivered = (template.folder / "template.html").read_text(encoding="utf-8")
    assert template.edited is not None
    for name in sorted(names_used(delivered, template) - names_used(template.edited.html, template)):
        yield _("“%(value)s” is not used; the delivered form prints it.", value=name_of(name, template))


def _unprinted(template: PaperTemplate) -> Iterator[str]:
    missing: dict[str, list[str]] = {}
    for language, title in LANGUAGES.items():
        context = template.samples(language)["typical"]
        try:
            marked, slots = template.marked_html(context)
            seen, _made = renderer().ask("visible", marked, slots, template.sheets, language)
        except PaperError as error:
            yield _("With the sample in %(language)s: %(sentence)s", language=str(title), sentence=str(error))
            return
        legible = {bare(slots[number].path) for number in seen["slots"]}
        text = _run_together(seen["text"])
        for path, texts in _required(template, context).items():
            if path not in legible and not all(_run_together(t) in text for t in texts):
                missing.setdefault(name_of(path, template), []).append(str(title))
        for name in _of_head(context.header):
            if _run_together(getattr(context.header, name)) not in text:
                missing.setdefault(name_of(f"header.{name}", template), []).append(str(title))
    for value, languages in missing.items():
        if len(languages) == len(LANGUAGES):
            yield _("“%(value)s” cannot be read on the paper; the delivered form prints it.", value=value)
        else:
            yield _(
                "“%(value)s” cannot be read on the paper in %(languages)s; the delivered form prints it.",
                value=value, languages=", ".join(languages),
            )  # fmt: skip


def _required(template: PaperTemplate, context: Any) -> dict[str, list[str]]:
    """Values that the delivered form prints of ``context``: path → texts."""
    html, slots = load_paper(template.folder).marked_html(context)
    on_sheet, printed = shown(html), dict[str, list[str]]()
    for number, slot in enumerate(slots):
        if slot.path and (number in on_sheet or slot.is_picture):
            printed.setdefault(bare(slot.path), []).append(_said(slot))
    return printed


def _said(slot: Slot) -> str:
    return "\ue000" if slot.is_picture else slot.text  # the address behind a code is not to be read


def _of_head(header: Header) -> Iterator[str]:
    """Names of what every head must show in the language of the paper."""
    yield from ("company", "form_no", "revision") if header.language != "en" else ("form_no", "revision")
    if header.language != "en":
        yield "title_zh"
    if header.language != "zh":
        yield "title_en"


def _too_large(template: PaperTemplate) -> list[str]:
    try:
        sample = template.samples("both").get(LARGE)
        if sample is not None:
            template.render(sample)
    except PaperError as error:
        return [_("With the longest values: %(sentence)s", sentence=str(error))]
    return []


def _run_together(text: str) -> str:
    return re.sub(r"\s+", "", text)
