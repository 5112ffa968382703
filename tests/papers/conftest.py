"""Papers laid out once for all tests that look at them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from app.core.papers import template as module
from app.core.papers.render import PaperMeta

Render = Callable[..., bytes]


@pytest.fixture(scope="session")
def kept_render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """``render`` with a memory on the disk, shared by the test processes: the same input gives the same bytes."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder /= "laid-out"
    folder.mkdir(exist_ok=True)
    usual = module.render

    def render(html: str, css: Sequence[Path | str], *, language: str, meta: PaperMeta) -> bytes:
        asked = "\0".join([html, *map(str, css), language, repr(meta)])
        kept = folder / hashlib.sha256(asked.encode()).hexdigest()
        if not kept.exists():
            made = kept.with_suffix(f".{os.getpid()}")
            made.write_bytes(usual(html, css, language=language, meta=meta))
            made.replace(kept)
        return kept.read_bytes()

    return render


@pytest.fixture
def laid_out_once(kept_render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates lay a paper out in full only if no test has had it before."""
    monkeypatch.setattr(module, "render", kept_render)
