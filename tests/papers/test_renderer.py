"""The renderer: hostile papers are refused or stopped within limits, and whatever happens the next paper is printed."""

from __future__ import annotations

import base64
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from app.core.papers import renderer as module
from app.core.papers.renderer import Limits, Renderer, RenderFailed, render, renderer
from app.core.papers.template import PaperTemplate, load_paper

ROOT = Path(__file__).resolve().parents[2]
RECEIPT = ROOT / "app" / "modules" / "fees" / "papers" / "receipt"


def png(width: int, height: int) -> str:
    out = io.BytesIO()
    Image.new("1", (width, height)).save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def prints() -> bool:
    with pikepdf.open(io.BytesIO(render("<p>下一张</p>", []))) as pdf:
        return len(pdf.pages) == 1


@pytest.mark.parametrize(
    ("html", "css", "sentence"),
    [
        ('<table><tr><td colspan="1000000">x</table>', "", "100 columns"),
        ('<table><tr><td rowspan="1000000">x</table>', "", "100 columns"),
        ("<div>" * 300 + "x", "", "inside each other"),
        ("<div>x</div>" * 70_000, "", "too long"),
        (f'<img src="{png(10_000, 10_000)}">', "", "25 megapixels"),
        ("<p>x", f"p {{ background: url({png(10_000, 10_000)}) }}", "25 megapixels"),
        ('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">', "", "no PNG or JPEG"),
        ('<img src="file:///etc/passwd">', "", "other resources: file"),
        ('<img src="http://127.0.0.1:9/x">', "", "other resources: http"),
        ("<p>x", "p { background: url(file:///etc/passwd) }", "other resources: file"),
        ("<p>x", '@import "http://127.0.0.1:9/x";', "other resources"),
    ],
    ids=["colspan", "rowspan", "nested", "parts", "bomb", "bomb in css", "gif", "file", "http", "css file", "css http"],
)
def test_hostile_papers_are_refused_with_a_sentence(html: str, css: str, sentence: str) -> None:
    before = renderer().pid
    with pytest.raises(RenderFailed, match=sentence):
        render(html, [css])
    assert prints()
    assert before is None or renderer().pid == before, "refused, not killed"


@pytest.fixture(scope="module")
def another() -> Iterator[Renderer]:
    own = Renderer()
    yield own
    own.stop()


@pytest.fixture
def limited(another: Renderer, monkeypatch: pytest.MonkeyPatch) -> Renderer:
    """Another renderer than that of the other tests, under limits that a test may set with ``monkeypatch``."""
    monkeypatch.setattr(module, "renderer", lambda: another)
    return another


BUSY = "<table>" + '<tr><td colspan="90">x<td colspan="90">y' * 4_000 + "</table>"


@pytest.mark.parametrize(
    ("limits", "html", "sentence"),
    [
        (Limits(1024, 1, 60), BUSY, "too long"),
        (Limits(1024, 60, 1), BUSY, "too long"),
        (Limits(400, 60, 60), BUSY, "memory|broke"),  # less than it has already
    ],
    ids=["processor", "clock", "memory"],
)
def test_what_exceeds_a_limit_is_stopped_and_the_next_is_printed(
    limited: Renderer, monkeypatch: pytest.MonkeyPatch, limits: Limits, html: str, sentence: str
) -> None:
    assert prints()
    first = limited.pid
    monkeypatch.setattr(module, "_limits", lambda: limits)
    started = time.monotonic()
    with pytest.raises(RenderFailed, match=sentence):
        render(html, [])
    assert time.monotonic() - started < 40
    monkeypatch.undo()
    monkeypatch.setattr(module, "renderer", lambda: limited)
    assert prints()
    assert limited.pid != first


def folders() -> set[Path]:
    return set(Path(module.tempfile.gettempdir()).glob(f"{module.FOLDERS}*"))


def test_one_killed_from_outside_is_replaced_without_a_word_and_leaves_nothing(limited: Renderer) -> None:
    assert prints()
    first, left = limited.pid, limited._folder.path  # type: ignore[union-attr]
    assert left.is_dir()
    os.kill(first, signal.SIGKILL)  # type: ignore[arg-type]
    assert prints()
    assert limited.pid != first and not left.exists()


def test_a_renderer_ends_with_its_owner_even_when_that_is_killed() -> None:
    program = (
        "from app.core.papers.renderer import render, renderer\n"
        "render('<p>x</p>', [])\n"
        "print(renderer().pid, renderer()._folder.path, flush=True)\n"
        "render('<table>' + '<tr><td>x' * 20_000 + '</table>', [])\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid, folder = owner.stdout.readline().split()
        owner.kill()
    until = time.monotonic() + 20
    while time.monotonic() < until and (Path(f"/proc/{pid}").exists() or Path(folder).exists()):
        time.sleep(0.1)
    assert not Path(f"/proc/{pid}").exists() and not Path(folder).exists()


def test_folders_of_the_dead_are_removed_and_those_of_the_living_are_kept() -> None:
    dead = Path(module.tempfile.mkdtemp(prefix=module.FOLDERS))
    living = module._Folder()
    again = module._Folder()
    assert not dead.exists() and living.path.is_dir()
    for folder in (living, again):
        folder.remove()


def test_the_renderer_sees_no_settings(monkeypatch: pytest.MonkeyPatch, limited: Renderer) -> None:
    monkeypatch.setenv("GUANJIA_SMTP_PASSWORD", "secret")
    limited.stop()
    assert prints()
    assert b"GUANJIA" not in Path(f"/proc/{limited.pid}/environ").read_bytes()


def test_this_process_does_not_load_the_layout() -> None:
    program = (
        "import sys; from app.core.papers.renderer import render; import app.core.papers.overlay\n"
        "render('<p>x</p>', []); print('weasyprint' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"


# Templates that were edited in the browser


def edited(text: str, css: str = "") -> PaperTemplate:
    return load_paper(RECEIPT).edited_as(text, css)


def test_an_edited_template_prints_and_has_a_version_of_its_own() -> None:
    template = load_paper(RECEIPT)
    context = template.samples()["typical"]
    text = (RECEIPT / "template.html").read_text(encoding="utf-8")
    own = template.edited_as(text, (RECEIPT / "style.css").read_text(encoding="utf-8"))
    assert own.html(context) == template.html(context)
    assert own.template_version != template.template_version
    marked, slots = own.marked_html(context)
    usual, its_slots = template.marked_html(context)
    assert [slot._replace(path="") for slot in slots] == [slot._replace(path="") for slot in its_slots]
    assert marked == usual


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{% for a in range(4000) %}{% for b in range(4000) %}{% for c in range(4000) %}{% endfor %}{% endfor %}{% endfor %}",
         "range"),
        ("{% for a in range(10**9) %}{% endfor %}", r"\*\*"),
        ("{% for a in range(999999999999999999999) %}{% endfor %}", "range"),
        ("a\n{{ 'x' * 1000000000 }}", "Line 2.*multiplied"),
        ("{{ [1] * 1000000000 }}", "multiplied"),
        ("{{ '%1000000000d' % 1 }}", "not for templates"),
        ("{{ '{:1000000000}'.format(1) }}", "unsafe"),
        ("{{ 'x'.ljust(1000000000) }}", "unsafe"),
        ("{{ 'x' | center(1000000000) }}", "center"),
        ("{{ c.payer | safe }}", "safe"),
        ("{{ c.__class__.__mro__ }}", "unsafe"),
        ("{{ ''.__class__.__subclasses__() }}", "unsafe"),
        ("{% include '../render.py' %}", "render.py"),
        ("\n\n{{ c.nobody }}", "Line 3"),
        ("a\n{% if %}", "Line 2"),
        ("{{ 1 / 0 }}", "zero"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "inside each other"),
        ("{% autoescape false %}{{ c.payer }}{% endautoescape %}", "autoescape"),
        ("<p>\n<script>x</script>", r"script.*line 2"),
        ("<p onclick='x'>", "onclick"),
        ("<p style='display:flex'>", "style"),
        ("<svg></svg>", "svg"),
    ],
)  # fmt: skip
def test_an_edited_template_that_fails_says_why(text: str, sentence: str) -> None:
    template = edited(text)
    with pytest.raises(RenderFailed, match=f"(?s){sentence}"):
        template.render(template.samples()["typical"])
    assert prints()


@pytest.mark.parametrize(
    "css",
    ["p { display: flex }", "p { display: inline-grid }", "p { background: url(file:///x) }", "@import 'x';",
     "@font-face { font-family: Doc Sans }", r"p { display: fl\65x }", "p { background: url/**/(x) } p { display:/**/flex }"],
)  # fmt: skip
def test_an_edited_style_reads_nothing_and_lays_out_plainly(css: str) -> None:
    template = edited("<p>x</p>", css)
    with pytest.raises(RenderFailed, match="not allowed"):
        template.render(template.samples()["typical"])


def test_a_loop_without_end_is_stopped(limited: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert prints()
    monkeypatch.setattr(module, "_limits", lambda: Limits(1024, 1, 30))
    loops = "".join("{% for " + name + " in [" + "1," * 200 + "] %}" for name in "abcdef")
    template = edited(loops + "{% set x = 1 %}" + "{% endfor %}" * 6)
    import app.core.papers.template as templates

    monkeypatch.setattr(templates, "renderer", lambda: limited)
    with pytest.raises(RenderFailed, match="too long"):
        template.render(template.samples()["typical"])
    assert prints()
