"""The case page as the people at the counter use it: every step by its forms (MI-02, MI-04 … MI-11)."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from sqlalchemy import select

from app.modules.movein.gates import OWNER_SIGNS
from app.modules.movein.models import EntrustedService, KeyHandover, MoveInCase
from app.modules.movein.states import CaseState, CheckResult, Conclusion
from app.modules.people.models import Consent, Person, Tenure, TenureRole, Vehicle
from tests.movein import factories as make

S = CaseState


def page(client: Any, case: MoveInCase, step: str = "") -> str:
    answer = client.get(f"/move-ins/{case.id}" + (f"?step={step}" if step else ""))
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def post(client: Any, case: MoveInCase, command: str, /, **fields: Any) -> Any:
    return client.post(f"/move-ins/{case.id}/{command}", data={k.replace("__", "-"): v for k, v in fields.items()})


def said(answer: Any) -> str:
    return answer.get_data(as_text=True)


@pytest.mark.clause("MI-02")
@pytest.mark.clause("MI-04")
@pytest.mark.clause("MI-05")
@pytest.mark.clause("MI-07")
@pytest.mark.clause("MI-08")
@pytest.mark.clause("MI-09")
@pytest.mark.clause("MI-11")
def test_an_owner_is_taken_from_the_counter_to_the_keys(session, client_of):
    unit = make.unit_of(session)
    make.owner_of(session, unit, "王小明")
    desk = client_of("receptionist")
    opened = desk.post("/move-ins/new", data={"unit": unit.id, "open-owner": _owner_option(desk, unit), "open-handover_place": "Hall 1"})
    assert opened.status_code == 302, said(opened)
    case = session.scalar(select(MoveInCase).where(MoveInCase.unit_id == unit.id))
    assert case.state == S.DOCUMENTS and case.handover_place == "Hall 1"

    results = {f"checks-result_{c.id}": "present" for c in case.checks if c.mandatory}
    assert desk.post(f"/move-ins/{case.id}/checks", data=results).status_code == 302
    assert post(desk, case, "transition/pass_documents").status_code == 302

    assert post(desk, case, "owner", **_owner_fields()).status_code == 302
    assert post(desk, case, "consent", consent__service="y").status_code == 302
    assert _sign(desk, case, "F10").status_code == 302
    assert post(desk, case, "transition/confirm_registration").status_code == 302

    make.bill(session, case)
    assert post(desk, case, "transition/close_fees").status_code == 302
    for code in OWNER_SIGNS:
        assert _sign(desk, case, code).status_code == 302
    assert post(desk, case, "transition/close_signing").status_code == 302

    ticks: dict[str, Any] = {}
    for row in case.handouts:
        ticks |= {f"handouts-issued_{row.id}": "y", f"handouts-copies_{row.id}": row.copies, f"handouts-pages_{row.id}": 4}
    assert desk.post(f"/move-ins/{case.id}/handouts", data=ticks).status_code == 302
    assert _sign(desk, case, "F12").status_code == 302
    assert post(desk, case, "transition/close_handout").status_code == 302

    make.inspect(session, case)
    inspector = client_of("inspector")
    assert _sign(inspector, case, "F11").status_code == 302
    assert post(inspector, case, "transition/accept").status_code == 302

    assert post(desk, case, "keys/usual").status_code == 302
    assert _sign(desk, case, "F13").status_code == 302
    assert post(desk, case, "transition/hand_over_keys").status_code == 302
    session.expire_all()
    assert case.state == S.COMPLETED and case.conclusion == Conclusion.ACCEPTED and case.move_in_on
    html = page(desk, case)
    for code in ("F10", "F11", "F12", "F13", "F14", "F15"):
        assert f">{code}<" in html
    assert "Receptionist" in html and "Inspector" in html


def _owner_option(client: Any, unit: Any) -> str:
    html = client.get(f"/move-ins/new?unit={unit.id}").get_data(as_text=True)
    return re.search(r'<option (?:selected )?value="(\d+)"', html)[1]


def _owner_fields(**changes: Any) -> dict[str, Any]:
    fields = {
        "kind": "individual", "name": "王小明", "id_kind": "resident_id", "id_no": make.VALID_IDS[2], "language": "zh", "channel": "phone",
        "emergency_name": "李四", "emergency_phone": "13900139000",
    }  # fmt: skip
    return {f"owner__{name}": value for name, value in {**fields, **changes}.items()}


def _sign(client: Any, case: MoveInCase, code: str, **changes: Any) -> Any:
    fields = {"signer": "王小明", "drawing": make.DRAWN, **changes}
    return client.post(f"/move-ins/{case.id}/sign/{code}", data={f"sign_{code}-{k}": v for k, v in fields.items()})
