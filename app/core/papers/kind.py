"""What a module states about one of its papers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class PaperKind:
    """One form of the manual.

    ``code``: form code of the manual (F10), also the number series. ``folder``: template, style, context, sample.
    ``record_type``: table name of the record the paper is about. ``resource``: ``print`` on it is needed to issue.
    ``context(record, header)``: builds the frozen dataclass of plain values the template sees.
    ``unit(record)``: id of the unit the paper belongs to, for the household file. ``person(record)``: id of the person
    it is about, if there is one.
    ``number(record)``: the number the record bears already (a receipt); without it the paper gets the next of its series.
    ``states``: states of the record in which the paper is issued; empty: in any. ``public_state``: whoever scans the
    paper also learns where its record stands (a pass that was used).
    """

    code: str
    title_zh: str
    title_en: str
    folder: Path
    record_type: str
    resource: str
    context: Callable[[Any, Any], Any]
    unit: Callable[[Any], int | None]
    person: Callable[[Any], int | None] | None = None
    number: Callable[[Any], str] | None = None
    states: tuple[str, ...] = ()
    public_state: bool = False

    def issuable(self, record: Any) -> bool:
        """Whether the record stands where such papers are issued."""
        return not self.states or record.state in self.states
