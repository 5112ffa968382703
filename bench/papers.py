"""How long papers take: ``python bench/papers.py [rounds]``, ``python bench/papers.py --packs 1000 [--processes 2]``.

Without ``--packs``: an eight-page bilingual pack of five forms, laid out in full, one a round (aim: 1.2 s on two cores).
With it: so many packs of different households, by overlay, as single files written to disk by several processes, then
merged into one file by one process (aims for 1,000: 40 s and 25 s, at most 300 MB a process with its renderer). Wall-clock time tells
little on a busy machine, so processor time is given beside it; that of the renderers is part of it.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import io
import multiprocessing
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pikepdf

from app.core.garbage import spare_garbage_searches
from app.core.papers.bundle import Part, bundle
from app.core.papers.merged import Merged
from app.core.papers.overlay import Filler
from app.core.papers.renderer import check_printing, renderer, warm_up
from app.core.papers.services import new_verification_code
from app.core.papers.slots import field_names
from app.core.papers.template import PaperTemplate, load_paper

MODULES = Path(__file__).resolve().parents[1] / "app" / "modules"
PACK = (
    ("movein/papers/procedure_slip", "typical"),
    ("movein/papers/owner_registration", "typical"),
    ("movein/papers/unit_inspection", "typical"),
    ("movein/papers/document_receipt", "typical"),
    ("fees/papers/receipt", "typical"),
)
SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨", "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂"
Papers = list[tuple[PaperTemplate, Any]]


def papers_of_a_pack() -> Papers:
    loaded = ((load_paper(MODULES / folder), sample) for folder, sample in PACK)
    return [(paper, paper.samples()[sample]) for paper, sample in loaded]


def bundled(parts: list[tuple[PaperTemplate, bytes]]) -> bytes:
    return bundle(
        [Part(pdf, paper.info.form_no, paper.info.title_zh, paper.info.title_en) for paper, pdf in parts], "both"
    )


def household(value: Any, chance: random.Random, names: dict[str, str]) -> Any:
    """A copy of a context about other people: every name of two or three signs, every number, is another one."""
    if fields := field_names(type(value)):
        others = {name: household(getattr(value, name), chance, names) for name in fields}
        return (
            dataclasses.replace(value, **others) if any(others[n] is not getattr(value, n) for n in fields) else value
        )
    if isinstance(value, tuple):
        return tuple([household(item, chance, names) for item in value])
    if not isinstance(value, str) or not (stands_for := meant_by(value)):
        return value
    if stands_for == "name":
        new = chance.choice(SURNAMES) + "".join(chance.choice(GIVEN) for _ in range(chance.choice((1, 2, 2))))
        return names.setdefault(value, new)
    return "".join(str(chance.randrange(10)) if sign.isdigit() else sign for sign in value)


@functools.cache
def meant_by(text: str) -> str:
    """Whether a text of the samples is a ``name``, a ``number``, or neither."""
    if 2 <= len(text) <= 3 and text[0] in "张李周陈王赵":
        return "name"
    return "number" if sum(sign.isdigit() for sign in text) >= 7 else ""


def pack(papers: Papers, number: int) -> Iterator[tuple[PaperTemplate, Any]]:
    """The papers of the household with this number, as they would be issued."""
    chance, names = random.Random(number), {}
    for paper, context in papers:
        code = new_verification_code()
        header = dataclasses.replace(
            context.header, number=f"{paper.info.series}-2026-{number:06d}", verify_code=code,
            unit_code=f"{number % 9 + 1}-{number % 3 + 1}-{number % 30 + 1:02d}{number % 4 + 1:02d}",
            verify_url=f"https://guanjia.example/verify/{code}",
        )  # fmt: skip
        yield paper, dataclasses.replace(household(context, chance, names), header=header)


def print_packs(folder: str, numbers: range) -> tuple[int, int, float, float, float]:
    """Print these packs as files into ``folder``.

    Papers overlaid, papers laid out, processor seconds, peak megabytes of this process and of its renderer.
    """
    papers, filler = papers_of_a_pack(), Filler()
    spare_garbage_searches()  # as the workers do
    for number in numbers:
        parts = [(paper, filler.render(paper, context)) for paper, context in pack(papers, number)]
        (Path(folder) / f"{number:06d}.pdf").write_bytes(bundled(parts))
    renderer().stop()
    own, its = (peak_megabytes(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return filler.overlaid, filler.rendered, processor_seconds(), own, its


def merge(folder: str, target: str) -> tuple[float, float]:
    """Merge the packs of a folder: processor seconds, peak megabytes."""
    with Path(target).open("wb") as file:
        whole = Merged(file)
        for path in sorted(Path(folder).iterdir()):
            whole.add(path.read_bytes(), path.stem)
        whole.close()
    return processor_seconds(), peak_megabytes()


def processor_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in used)


def peak_megabytes(who: int = resource.RUSAGE_SELF) -> float:
    return resource.getrusage(who).ru_maxrss / 1024


def many(count: int, processes: int) -> None:
    """Print and merge ``count`` packs and say what it took."""
    spawned = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        started = time.perf_counter()
        share = -(-count // processes)
        parts = [(folder, range(first, min(first + share, count))) for first in range(0, count, share)]
        with spawned.Pool(processes, maxtasksperchild=1) as pool:
            done = pool.starmap(print_packs, parts, chunksize=1)
        print(
            f"{count} packs as single files, {processes} processes: {time.perf_counter() - started:.1f} s by the clock, "
            f"{sum(d[2] for d in done):.1f} s of processor ({max(d[2] for d in done):.1f} s in the busiest), "
            f"{sum(d[0] for d in done)} papers overlaid, {sum(d[1] for d in done)} laid out, "
            f"peak {max(d[3] for d in done):.0f} MB and {max(d[4] for d in done):.0f} MB of its renderer"
        )
        target = Path(other) / "merged.pdf"
        started = time.perf_counter()
        with spawned.Pool(1) as pool:
            seconds, peak = pool.apply(merge, (folder, str(target)))
        with pikepdf.open(target) as whole:
            pages = len(whole.pages)
        print(
            f"merged into one file of {pages} pages, {target.stat().st_size / 1e6:.0f} MB: "
            f"{time.perf_counter() - started:.1f} s by the clock, {seconds:.1f} s of processor, peak {peak:.0f} MB"
        )


def one_by_one(rounds: int) -> None:
    """Lay one pack out in full, again and again, and say how long one takes."""
    for problem in check_printing():
        print("warning:", problem)
    papers = papers_of_a_pack()
    warm_up()

    def laid_out() -> bytes:
        return bundled([(paper, paper.render(context)) for paper, context in papers])

    pdf = laid_out()
    with pikepdf.open(io.BytesIO(pdf)) as whole:
        pages = len(whole.pages)
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        laid_out()
        seconds.append(time.perf_counter() - started)
    print(f"{pages} pages, {len(pdf) // 1024} kB: median {statistics.median(seconds):.2f} s, best {min(seconds):.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description="How long papers take.")
    parser.add_argument("rounds", type=int, nargs="?", default=5)
    parser.add_argument("--packs", type=int)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    if given.packs:
        many(given.packs, given.processes)
    else:
        one_by_one(given.rounds)


if __name__ == "__main__":
    main()
