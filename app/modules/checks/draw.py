"""The random draw: reproducible by anybody from the seed and the ids that are kept (MI-12)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence


def new_seed() -> str:
    """A seed nobody can foresee."""
    return secrets.token_hex(16)


def digest_of(ids: Iterable[int]) -> str:
    """SHA-256 of the ids, sorted and written with commas: two populations are the same when it is."""
    return hashlib.sha256(",".join(str(number) for number in sorted(ids)).encode()).hexdigest()


def rank(seed: str, number: int) -> str:
    """The place of a record in the draw: SHA-256 of ``seed:id``; the smallest come first."""
    return hashlib.sha256(f"{seed}:{number}".encode()).hexdigest()


def draw(seed: str, ids: Sequence[int], count: int) -> list[int]:
    """The ``count`` ids with the smallest rank, in that order; all of them when there are fewer."""
    return sorted(set(ids), key=lambda number: rank(seed, number))[:count]
