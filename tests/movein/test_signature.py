"""Signatures under the papers of a case: drawn or scanned, by whom, at which step (MI-07, MI-10)."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image
from werkzeug.datastructures import FileStorage

from app.core.access.actor import NotAllowed
from app.core.records.identifiers import InvalidValue
from app.modules.movein.services import sign
from app.modules.movein.states import CaseState, SigningMethod
from tests.movein import factories as make

S = CaseState


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def url(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


BLANK = url(png(Image.new("RGBA", (900, 360))))


@pytest.fixture
def case(session: Any) -> Any:
    return make.case_at(session, S.INSPECTION)


@pytest.mark.clause("MI-10")
def test_a_drawn_signature_says_who_and_how(session, case, actor_of):
    signature = sign(session, case, paper="F11", signer=" 张三 ", drawing=make.DRAWN, actor=actor_of("inspector"))
    assert (signature.signer, signature.method, signature.attachment.kind) == (
        "张三",
        SigningMethod.ON_SCREEN,
        "signature",
    )
    assert case.signature("F11") is signature


def test_a_scan_stands_for_the_pad(session, case):
    scan = FileStorage(io.BytesIO(png(Image.effect_noise((80, 60), 50))), filename="验房签收.png")
    signature = sign(session, case, paper="F11", signer="张三", scan=scan, actor=make.SYSTEM)
    assert signature.method == SigningMethod.SCAN and signature.attachment.name == "验房签收.png"


@pytest.mark.parametrize(
    "drawing", ["", BLANK, "data:image/png;base64,AAAA", "data:text/html;base64,PGI+", url(b"MZ program")]
)
def test_nothing_drawn_is_no_signature(session, case, drawing):
    with pytest.raises(InvalidValue):
        sign(session, case, paper="F11", signer="张三", drawing=drawing, actor=make.SYSTEM)
    with pytest.raises(InvalidValue):
        sign(session, case, paper="F11", signer=" ", drawing=make.DRAWN, actor=make.SYSTEM)
    assert case.signature("F11") is None


def test_a_new_signature_replaces_the_old_which_stays_in_the_file(session, case):
    first, second = (
        sign(session, case, paper="F11", signer="张三", drawing=make.DRAWN, actor=make.SYSTEM) for _turn in range(2)
    )
    assert case.signature("F11") is second and first.revoked_at and first.revoked_reason
    assert first in case.signatures


@pytest.mark.clause("MI-07")
def test_papers_are_signed_at_their_step_by_those_who_may(session, case, actor_of):
    for paper in ("F02", "F13", "F99"):
        with pytest.raises(InvalidValue):
            sign(session, case, paper=paper, signer="张三", drawing=make.DRAWN, actor=make.SYSTEM)
    for username in ("cashier", "technician", "security"):
        with pytest.raises(NotAllowed):
            sign(session, case, paper="F11", signer="张三", drawing=make.DRAWN, actor=actor_of(username))
    signing = make.case_at(session, S.SIGNING)
    with pytest.raises(NotAllowed):
        sign(session, signing, paper="F02", signer="张三", drawing=make.DRAWN, actor=actor_of("inspector"))
