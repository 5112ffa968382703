"""Writing a paper from a template that was edited in the browser, inside the renderer's process only.

Such a template may loop without end or build texts without limit; here it meets the limits of the process.
"""

from __future__ import annotations

import functools
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Template, TemplateError
from jinja2.sandbox import SecurityError

from app.core.papers.base.context import Letterhead
from app.core.papers.refused import Refused
from app.core.papers.render import MAX_HTML, PaperError
from app.core.papers.slots import Slot, mark
from app.core.papers.template import MAX_ROWS, Fields, PaperInfo, environment_of

MAX_STEPS = 50_000
"""Numbers that all ``range`` calls of one paper may count."""

# What no form needs: it reads, runs or draws something else, costs the layout minutes, or lets values become markup.
_MARKUP = re.compile(
    r"<\s*(script|style|svg|math|iframe|object|embed|link|base|form|input|video|audio|frameset)\b"
    r"|<[^>]*\s(style|on\w+)\s*="
    r"|\{%[-+]?\s*(autoescape)\b",
    re.IGNORECASE,
)
_STYLE = re.compile(
    r"\bdisplay\s*:[^;}]*(flex|grid)|(url\s*\()|(@\s*(?:import|font-face|namespace|color-profile))|(\\)|(<)",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def write_edited(
    folder: Path, info: PaperInfo, letterhead: Letterhead, text: str, css: str, context: Any, marked: bool
) -> tuple[dict[str, Any], bytes]:
    """The HTML that template ``text`` makes of ``context``; ``marked``: with marks for its values, and the values."""
    _require_ordinary(text, css)
    slots: list[Slot] | None = [] if marked else None
    said = mark(context) if marked else context
    try:
        template = _compiled(folder, text)
        html = "".join(
            _within_limit(
                template.generate(
                    c=said,
                    header=said.header,
                    language=context.header.language,
                    info=info,
                    letterhead=letterhead,
                    fields=Fields(said.header.fields),
                    slots=slots,
                    range=_Counter(),
                )
            )
        )
    except (Refused, MemoryError, RecursionError):
        raise
    except TemplateError as error:
        raise Refused("template", line=getattr(error, "lineno", None) or _line(error), reason=str(error)) from error
    except (PaperError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise Refused("template", line=_line(error), reason=str(error)) from error
    _require_ordinary(html, "")  # tags may have been put together from pieces
    return {"html": html, "slots": [[slot.text, slot.is_picture, slot.path] for slot in slots or ()]}, b""


@functools.lru_cache(maxsize=64)
def _compiled(folder: Path, text: str) -> Template:
    return environment_of(folder).from_string(text)


def _require_ordinary(text: str, css: str) -> None:
    for source, pattern in ((text, _MARKUP), (_COMMENT.sub(" ", css), _STYLE)):
        if found := pattern.search(source):
            what = next(filter(None, found.groups()))
            raise Refused("not allowed", what=what.strip("( "), line=source.count("\n", 0, found.start()) + 1)


def _within_limit(pieces: Iterator[str]) -> Iterator[str]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_HTML:
            raise Refused("too many")
        yield piece


class _Counter:
    """``range`` that counts so far and no further within one paper."""

    def __init__(self) -> None:
        self.left = MAX_STEPS

    def __call__(self, *bounds: int) -> range:
        numbers = range(*bounds)
        try:
            self.left -= len(numbers)
        except OverflowError:
            self.left = -1
        if self.left < 0 or len(numbers) > MAX_ROWS:
            raise SecurityError(f"range counts to {MAX_ROWS} at most")
        return numbers


def _line(error: Exception) -> int:
    """The line of the template on which it went wrong."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return lines[-1] or 1 if lines else 1
