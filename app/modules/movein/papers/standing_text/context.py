"""F02–F09: any standing text handed out at move-in (MI-01, MI-07), filled in for one unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.papers.base.context import Bilingual, Header, Signature
from app.modules.movein.standing import Section, StandingText

_DIGITS = "零一二三四五六七八九"


@dataclass(frozen=True, kw_only=True)
class Context:
    """`text` is already filled in; `signatures` stand in the order of `text.signatures`."""

    header: Header
    text: StandingText
    signatures: tuple[Signature, ...]

    @property
    def outline(self) -> Iterator[tuple[int, Bilingual, Section]]:
        """Each section with its number and the mark before its heading; number 0 and no mark when it is unnumbered."""
        number = 0
        for section in self.text.sections:
            number += section.numbered
            mark = Bilingual(f"{chinese_number(number)}、", f"{number}. ") if section.numbered else Bilingual("", "")
            yield number if section.numbered else 0, mark, section


def header_values(text: StandingText) -> dict[str, Any]:
    """What the paper's header takes from the text: form number, revision and titles."""
    return {
        "form_no": text.form_no,
        "revision": text.revision,
        "title_zh": text.title.zh,
        "title_en": text.title.en,
    }


def signature_blocks(text: StandingText, signed: Mapping[str, Signature] | None = None) -> tuple[Signature, ...]:
    """One block per signer under the role the text gives; `signed` holds what is known by party.

    The service centre and the developer stamp, an owner signs.
    """
    blocks = []
    for signer in text.signatures:
        known = (signed or {}).get(signer.party, Signature(role=signer.role, stamp=signer.party != "owner"))
        blocks.append(
            Signature(
                role=signer.role, name=known.name, signed_on=known.signed_on, stamp=known.stamp, image=known.image
            )
        )
    return tuple(blocks)


def chinese_number(number: int) -> str:
    """1–99 as a heading number: 一 … 十, 十一, 二十."""
    tens, ones = divmod(number, 10)
    return (_DIGITS[tens] if tens > 1 else "") + ("十" if tens else "") + (_DIGITS[ones] if ones or not tens else "")
