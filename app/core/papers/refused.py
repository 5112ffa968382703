"""What the renderer refuses, said across to whoever asked."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A paper that is not laid out. ``sentence`` names one of ``renderer.SENTENCES``, ``values`` fill it."""

    def __init__(self, sentence: str, **values: Any) -> None:
        super().__init__(sentence, values)
        self.sentence, self.values = sentence, values
