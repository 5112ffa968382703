"""What every paper's context is made of: plain, frozen values.

A context holds only ``str``, ``int``, ``bool``, ``Decimal``, ``date``, ``datetime`` (estate time, no zone), ``None``,
tuples and frozen dataclasses of these. Records, sessions and services never reach a template.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class Bilingual:
    """A code-list title in both languages; a missing side falls back to the other one."""

    zh: str
    en: str = ""


@dataclass(frozen=True, kw_only=True)
class FieldText:
    """The value of a field without code as it is printed; None where the record has none."""

    code: str
    text: Bilingual | None = None


@dataclass(frozen=True, kw_only=True)
class Header:
    """The common head and foot of every paper (forms, common header).

    ``company`` is the issuer (service centre or developer). ``number`` and the verification fields are empty on a
    draft, which carries the preview watermark. ``verify_url`` becomes the QR code, ``verify_code`` stands below it.
    """

    company: str
    company_en: str = ""
    estate_name_zh: str
    estate_name_en: str
    unit_code: str = ""
    number: str = ""
    issued_on: date
    issued_by: str
    language: str = "both"
    verify_url: str = ""
    verify_code: str = ""
    form_no: str
    revision: str
    title_zh: str
    title_en: str
    draft: bool = False
    fields: tuple[FieldText, ...] = field(default=(), repr=False)
    """Of the fields without code those that the template prints; it finds them as ``fields.<code>``."""


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One signature block: who signs in which role, when known by name and date, and whether a stamp belongs there.

    ``image`` is a drawn signature as PNG ``data:`` URI (see ``render.image_uri``) or empty for signing by hand.
    """

    role: Bilingual
    name: str = ""
    signed_on: date | None = None
    stamp: bool = False
    image: str = ""

    def __post_init__(self) -> None:
        if self.image and not self.image.startswith("data:image/png;base64,"):
            raise ValueError("a signature image must be a PNG data: URI")


@dataclass(frozen=True, kw_only=True)
class Letterhead:
    """What an estate prints on all its papers: one line at the head and one at the foot of every page, in each language.

    ``logo`` and ``stamp``: the pictures as PNG ``data:`` URIs. Templates only ask whether there is one; the style sheet
    draws them, so that they are not written into every document.
    """

    header_zh: str = ""
    header_en: str = ""
    footer_zh: str = ""
    footer_en: str = ""
    logo: str = ""
    stamp: str = ""

    @property
    def style(self) -> str:
        """The CSS that draws the pictures and keeps room for the line at the foot."""
        rules = [
            f'.{name} {{ background-image: url("{uri}") }}'
            for name, uri in (("logo", self.logo), ("seal", self.stamp))
            if uri
        ]
        if self.footer_zh or self.footer_en:
            rules.append("@page { margin-bottom: 21mm }")
        return "\n".join(rules)
