"""How long an eight-page bilingual pack takes: ``python bench/papers.py [rounds]``.

Renders typical samples of five forms warm, one pack a round, and bundles them. Aim: 1.2 s a pack on two cores.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pikepdf

from app.core.papers.bundle import Part, bundle
from app.core.papers.render import check_printing, warm_up
from app.core.papers.template import PaperTemplate, load_paper

MODULES = Path(__file__).resolve().parents[1] / "app" / "modules"
PACK = (
    ("movein/papers/procedure_slip", "typical"),
    ("movein/papers/owner_registration", "typical"),
    ("movein/papers/unit_inspection", "typical"),
    ("movein/papers/document_receipt", "typical"),
    ("fees/papers/receipt", "typical"),
)


def render_pack(papers: list[tuple[PaperTemplate, object]]) -> bytes:
    parts = [
        Part(paper.render(context), paper.info.form_no, paper.info.title_zh, paper.info.title_en)
        for paper, context in papers
    ]
    return bundle(parts, "both")


def main() -> None:
    for problem in check_printing():
        print("warning:", problem)
    started = time.perf_counter()
    papers = [(paper, paper.samples()[sample]) for paper, sample in ((load_paper(MODULES / f), s) for f, s in PACK)]
    warm_up()
    print(f"start {time.perf_counter() - started:.2f} s")
    pdf = render_pack(papers)
    with pikepdf.open(io.BytesIO(pdf)) as pack:
        pages = len(pack.pages)
    seconds = []
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 5):
        started = time.perf_counter()
        render_pack(papers)
        seconds.append(time.perf_counter() - started)
    print(f"{pages} pages, {len(pdf) // 1024} kB: median {statistics.median(seconds):.2f} s, best {min(seconds):.2f} s")


if __name__ == "__main__":
    main()
