"""What an import of settings does, entry by entry, as it is shown before and after."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.records.choices import Choice


class Fate(Choice):
    """What becomes of an entry."""

    NEW = "new", _l("new"), "green"
    CHANGED = "changed", _l("changed"), "orange"
    WITHDRAWN = "withdrawn", _l("withdrawn"), "orange"
    REFUSED = "refused", _l("refused"), "red"
    KEPT = "kept", _l("only here: kept"), "azure"
    SAME = "same", _l("as it is"), "secondary"


DOES = (Fate.NEW, Fate.CHANGED, Fate.WITHDRAWN)
"""What changes a setting."""


@dataclass(frozen=True)
class Line:
    """An entry of a part: its natural key, what people call it, and field by field what changes (where, old, new)."""

    part: str
    key: tuple[str, ...]
    title: str
    fate: str
    changes: tuple[tuple[str, Any, Any], ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Plan:
    """The whole import. Equal digests mean: exactly the same happens."""

    estate_id: int
    lines: Sequence[Line] = field(default_factory=list)

    @property
    def digest(self) -> str:
        facts = [[line.part, line.key, line.fate, line.changes] for line in self.lines if line.fate in DOES]
        return hashlib.sha256(json.dumps([self.estate_id, facts], sort_keys=True).encode()).hexdigest()

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Entries by part and fate."""
        found: dict[str, Counter[str]] = {}
        for line in self.lines:
            found.setdefault(line.part, Counter())[line.fate] += 1
        return {part: dict(tally) for part, tally in found.items()}

    @property
    def does(self) -> int:
        """How many entries change."""
        return sum(line.fate in DOES for line in self.lines)

    def facts(self) -> dict[str, Any]:
        """The plan in plain JSON; what stays as it is is only counted."""
        told = [asdict(line) for line in self.lines if line.fate != Fate.SAME]
        return {"lines": told, "counts": self.counts, "digest": self.digest, "does": self.does}


def told(facts: Mapping[str, Any]) -> dict[str, list[Line]]:
    """The lines of :meth:`Plan.facts` by part."""
    found: dict[str, list[Line]] = {code: [] for code in facts.get("counts", {})}
    for line in facts.get("lines", ()):
        found[line["part"]].append(Line(**line))
    return found
