"""The site: rounds sent from a phone, permitted hours, violations with their notices (RN-09, RN-10, RN-14, RN-17; C5, C6)."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from app.core.access.actor import NotAllowed, acting, system_actor
from app.core.clocks.models import CalendarDay, Deadline
from app.core.clocks.services import running, work_of
from app.core.configuration.services import entries
from app.core.files.services import attachments_of
from app.core.papers.services import draft_context
from app.core.papers.template import load_paper
from app.core.papers.titles import in_both
from app.core.records.base import now
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.core.registry import registry
from app.core.workflow.documents import sign
from app.core.workflow.lapse import lapse
from app.core.workflow.table import Blocked
from app.extensions import db
from app.modules.checks.models import CheckCategory, Finding
from app.modules.checks.services import revoke_finding
from app.modules.estates.models import Building, Entrance, Unit
from app.modules.renovation import configuring, hours, site
from app.modules.renovation.site_models import DayKind, PermittedHours, RenovationPatrol, RenovationViolation
from app.modules.renovation.site_queries import codes_of, sites_of
from app.modules.renovation.states import PatrolAction, Stage
from app.modules.renovation.states import ViolationState as V
from app.modules.renovation.violation_workflow import REPORT_RULE, RULE, VIOLATION, WORK
from tests.movein.factories import DRAWN
from tests.renovation.factories import PNG, accepted, person, under_way, violation_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
JSON = {"Accept": "application/json"}
ALL_OK = {f"point-{code}": "ok" for code in site.POINTS}


def entry(token: str, **changes: Any) -> dict[str, Any]:
    return {
        "token": token,
        "ago": "0",
        "stage": "masonry",
        "persons": "2",
        "persons_with_pass": "2",
        **ALL_OK,
        **changes,
    }


def visits(session: Any) -> list[RenovationPatrol]:
    return list(session.scalars(select(RenovationPatrol).order_by(RenovationPatrol.id)))


# Rounds


@pytest.mark.clause("RN-09")
def test_a_visit_that_waited_in_the_phone_is_kept_once_under_its_own_time(session, client_of):
    renovation, client = under_way(session), client_of("site_administrator")
    address = f"/renovation-patrols/round/{renovation.id}"
    sent = entry("phone-00001", **{"point-corridor": "violation", "findings": "楼道有垃圾", "ago": "7200"})
    answers = [
        client.post(address, data=sent | {"photo": (io.BytesIO(PNG), "a.png")}, headers=JSON) for _time in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    (kept,) = visits(session)
    assert answers[0].json["address"] == answers[1].json["address"] == f"/renovation-patrols/{kept.id}"
    assert abs(now() - kept.visited_at - timedelta(hours=2)) < timedelta(minutes=1)
    assert [photo.name for photo in attachments_of(session, kept, kind="photo")] == ["a.png"]
    (notice,) = answers[0].json["notices"]
    form = client.get(notice["address"]).get_data(as_text=True)
    assert "R27" in form and "楼道有垃圾" in form


@pytest.mark.clause("RN-09")
@pytest.mark.parametrize(
    "wrong",
    [
        {"token": "x"}, {"token": "sp ace 000"}, {"stage": ""}, {"stage": "party"}, {"persons": "-1"}, {"persons_with_pass": "3"},
        {"point-corridor": "violation"}, {"point-corridor": "perhaps"}, {"stage": "refused"}, {"ago": "-5"}, {"ago": "99999999"},
    ],
)  # fmt: skip
def test_an_entry_that_says_too_little_is_refused_with_a_sentence(session, client_of, wrong):
    renovation, client = under_way(session), client_of("site_supervisor")
    answer = client.post(f"/renovation-patrols/round/{renovation.id}", data=entry("phone-00002") | wrong, headers=JSON)
    assert answer.status_code == 422 and all(answer.json["refused"])
    assert visits(session) == []


def test_a_refused_entry_is_no_violation_of_the_site(session, client_of):
    """Entry refused: said in words, the checklist may stay open (Decree 110 art. 20)."""
    renovation, client = under_way(session), client_of("site_supervisor")
    sent = {"token": "phone-00003", "stage": "refused", "findings": "业主拒绝开门", "action": "verbal"}
    page = client.post(f"/renovation-patrols/round/{renovation.id}", data=sent)
    (kept,) = visits(session)
    assert page.status_code == 302 and (kept.points, kept.stage, kept.action) == (
        {},
        Stage.REFUSED,
        PatrolAction.VERBAL,
    )
    assert "业主拒绝开门" in client.get(page.location).get_data(as_text=True)


@pytest.mark.parametrize(
    ("username", "status"), [("site_administrator", 200), ("manager", 404), ("security", 404), ("neighbour", 404)]
)
def test_only_the_staff_of_the_estates_sites_patrols(session, client_of, username, status):
    renovation, client = under_way(session), client_of(username)
    answer = client.post(f"/renovation-patrols/round/{renovation.id}", data=entry("phone-00004"), headers=JSON)
    assert answer.status_code == status
    assert len(visits(session)) == (status == 200)
    assert client.get("/renovation-patrols/round").status_code == status


def test_the_entry_of_somebody_else_is_not_given_out(session, client_of):
    renovation = under_way(session)
    address = f"/renovation-patrols/round/{renovation.id}"
    assert client_of("site_administrator").post(address, data=entry("phone-00005"), headers=JSON).status_code == 200
    assert client_of("site_supervisor").post(address, data=entry("phone-00005"), headers=JSON).status_code == 404


@pytest.mark.clause("RN-09")
def test_the_round_walks_from_building_to_entrance_to_floor(session):
    building = Building(estate_id=1, code="W2")
    far = Building(estate_id=1, code="W10")
    first, second = (Entrance(estate_id=1, building=building, code=code) for code in ("1", "2"))
    places = [
        (building, first, 2, "201"),
        (building, first, 12, "1201"),
        (building, second, 1, "101"),
        (far, None, 1, "101"),
    ]
    units = [
        Unit(
            estate_id=1, building=b, entrance=e, floor=floor, number=number, gross_area=Decimal(89),
            code=f"{b.code}-{e.code if e else 1}-{number}",
        )
        for b, e, floor, number in places
    ]  # fmt: skip
    session.add_all(units)
    session.flush()
    begun = [under_way(session, unit=unit) for unit in reversed(units)]
    mine = {one.id for one in begun}
    walked = [one for one in sites_of(session, 1, now()) if one.renovation.id in mine]
    assert [one.renovation.unit.code for one in walked] == [unit.code for unit in units]
    patroller = person(session, "site_supervisor")
    visit = site.record_patrol(
        session, begun[0], token="walk-0001", visited_at=now(), stage=Stage.PAINTING, points={}, actor=patroller
    )
    violation_of(session, begun[0])
    last = next(one for one in sites_of(session, 1, now()) if one.renovation is begun[0])
    assert (last.visit_of(visit.half), last.last, last.violations) == (visit, visit, 1)


# Permitted hours


def at(day: str, clock: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(clock), SHANGHAI)


@pytest.mark.clause("RN-09")
@pytest.mark.parametrize(
    ("day", "clock", "beijing", "hangzhou"),
    [
        ("2026-11-20", "08:00", True, True),  # Friday
        ("2026-11-20", "07:59", False, False),
        ("2026-11-20", "12:00", False, False),
        ("2026-11-20", "13:59", False, False),
        ("2026-11-20", "17:59", True, True),
        ("2026-11-20", "18:00", False, True),
        ("2026-11-20", "20:00", False, False),
        ("2026-11-21", "09:00", False, True),  # Saturday
        ("2026-10-01", "09:00", False, True),  # National Day, a Thursday
        ("2026-02-14", "09:00", True, True),  # a Saturday that is worked for the Spring Festival
    ],
)
def test_hours_go_by_the_working_calendar(session, day, clock, beijing, hangzhou):
    manager = person(session, "manager")
    for code, permitted in (("beijing", beijing), ("hangzhou", hangzhou)):
        hours.take_over(session, code, actor=manager)
        assert hours.is_permitted(session, 1, at(day, clock)) is permitted


def test_a_day_that_the_estate_corrected_counts_as_it_says(session):
    hours.take_over(session, "beijing", actor=person(session, "manager"))
    assert hours.is_permitted(session, 1, at("2026-11-20", "09:00"))
    session.add(CalendarDay(estate_id=1, day=date(2026, 11, 20), working=False, title="高考"))
    session.flush()
    assert not hours.is_permitted(session, 1, at("2026-11-20", "09:00"))


def test_quiet_work_has_spans_of_its_own_and_spans_never_overlap(session):
    manager = person(session, "manager")
    span = {"day_kind": DayKind.REST_DAY, "opens": time(9), "closes": time(17), "noisy": False}
    row = hours.save_hours(session, None, span, actor=manager)
    assert hours.is_permitted(session, 1, at("2026-11-21", "10:00"), noisy=False)
    assert not hours.is_permitted(session, 1, at("2026-11-21", "10:00"))
    for opens, closes in ((time(16), time(18)), (time(8), time(9, 1)), (time(10), time(10))):
        with pytest.raises(FieldErrors):
            hours.save_hours(session, None, span | {"opens": opens, "closes": closes}, actor=manager)
        session.expunge_all()
        row = session.get_one(PermittedHours, row.id)
    assert hours.save_hours(session, None, span | {"opens": time(17), "closes": time(18)}, actor=manager).id
    assert hours.save_hours(session, row, {"closes": time(16)}, actor=manager).closes == time(16)
    with pytest.raises(NotAllowed):
        hours.take_over(session, "hangzhou", actor=person(session, "site_supervisor"))


def test_hours_and_codes_are_set_on_screens_of_their_own_and_go_into_the_file(session, client_of):
    client = client_of("manager")
    page = client.get("/renovation-hours/").get_data(as_text=True)
    assert "Hangzhou Regulations on Environmental Noise art. 37" in page
    assert client.post("/renovation-hours/take-over", data={"code": "hangzhou"}).status_code == 302
    kept = list(entries(session, 1, configuring.HOURS))
    assert {(row["day_kind"], row["opens"], row["closes"]) for row in kept} == {
        (days, *span) for days in ("workday", "rest_day") for span in (("08:00", "12:00"), ("14:00", "20:00"))
    }  # fmt: skip
    new = {
        "code": "G99",
        "seq": "99",
        "title_zh": "饲养家禽",
        "title_en": "Keeping poultry",
        "category": "renovation_order",
        "active": "y",
    }
    assert client.post("/violation-codes/new", data=new).status_code == 302
    assert "G99" in {row["code"] for row in entries(session, 1, configuring.CODES)}
    assert client.post("/violation-codes/new", data=new | {"category": "nothing"}).status_code == 422
    assert client_of("site_supervisor").post("/renovation-hours/take-over", data={"code": "beijing"}).status_code == 404


def test_codes_name_the_category_of_their_findings(session, client_of):
    client, of_estate = client_of("manager"), CheckCategory.estate_id == 1
    code = next(code for code in codes_of(session) if code.estate_id == 1)
    category = session.scalars(select(CheckCategory).where(CheckCategory.code == code.category, of_estate)).one()
    category.active, category.title_en = False, "Walls and beams"
    session.commit()
    for path in ("", str(code.id)):
        page = client.get(f"/violation-codes/{path}").get_data(as_text=True)
        assert "Walls and beams" in page and not re.search(rf"(?<!<ins)>\s*{code.category}\s*<", page)  # history aside


# Violations


def fire(session: Any, violation: RenovationViolation, name: str, username: str, **asked: str) -> None:
    VIOLATION.fire(session, violation, name, actor=person(session, username), inputs=asked)


@pytest.mark.clause("RN-10")
def test_the_staff_issues_serves_and_rechecks_on_the_screen(session, client_of):
    renovation, client = under_way(session), client_of("site_supervisor")
    form = client.get(f"/renovation-violations/new?renovation_id={renovation.id}").get_data(as_text=True)
    assert "逾期未整改的" in form
    code = next(code for code in codes_of(session) if code.code == "R12")
    sent = {
        "renovation_id": renovation.id, "code_id": code.id, "description": "占用消防通道", "requirement": "立即清理", "due_at": "",
        "consequences": "",
    }  # fmt: skip
    answer = client.post("/renovation-violations/new", data=sent)
    violation = session.scalars(select(RenovationViolation).where(RenovationViolation.code_id == code.id)).one()
    assert answer.location.endswith(f"/renovation-violations/{violation.id}")
    assert violation.consequences == site.CONSEQUENCES and violation.due_at > now() + timedelta(days=2)
    page = client.get(answer.location).get_data(as_text=True)
    assert '<option value="posted"' in page
    step = f"/renovation-violations/{violation.id}/transition/"
    client.post(step + "serve", data={"method": "pigeon"})
    assert violation.state == V.ISSUED
    client.post(step + "serve", data={"method": "in_person"})
    assert violation.state == V.ISSUED  # in person, but on whom?
    client.post(step + "serve", data={"method": "posted"})
    assert violation.state == V.SERVED and violation.served_by_method == "posted"
    session.expire_all()
    assert "Posted on the door" in client.get(answer.location).get_data(as_text=True)
    assert client.get(f"/renovation-violations/{violation.id}/edit").status_code == 404
    drawn = {"signer": "王师傅", "drawing": DRAWN}
    assert client.post(f"/renovation-violations/{violation.id}/sign/receipt", data=drawn).status_code == 302
    client.post(step + "clear", data={"remark": "已清理"})
    assert violation.state == V.CLEARED and violation.cleared_by_name == "Site Supervisor"


@pytest.mark.clause("RN-10")
@pytest.mark.parametrize(
    ("username", "allowed"),
    [
        ("site_administrator", {"serve", "clear", "report"}), ("site_supervisor", {"serve", "clear", "report"}),
        ("cs_supervisor", {"serve", "clear", "report"}), ("manager", {"serve", "clear", "report", "withdraw"}),
        ("receptionist", set()), ("equipment_supervisor", set()), ("superior", set()), ("cashier", set()), ("security", set()),
    ],
)  # fmt: skip
def test_each_step_of_a_notice_is_made_by_whom_it_is_given(session, username, allowed):
    renovation, actor = under_way(session), person(session, username)
    steps = {
        "serve": {"method": "posted"}, "clear": {"remark": "已改"}, "report": {"authority": "街道"}, "withdraw": {"reason": "误开"},
    }  # fmt: skip
    for step, asked in steps.items():
        violation = violation_of(session, renovation)
        if step in ("clear", "report"):
            fire(session, violation, "serve", "manager", method="posted")
        if step in allowed:
            VIOLATION.fire(session, violation, step, actor=actor, inputs=asked)
            assert violation.state != V.ISSUED
        else:
            with pytest.raises(NotAllowed):
                VIOLATION.fire(session, violation, step, actor=actor, inputs=asked)
    with pytest.raises(NotAllowed) if "serve" not in allowed else _nothing():
        site.issue_notice(
            session, renovation, code=codes_of(session)[0], description="拆墙", requirement="停工", actor=actor
        )


class _nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...


@pytest.mark.clause("RN-10")
def test_a_deadline_gone_by_starts_the_day_in_which_the_authority_is_told(session):
    renovation = under_way(session)
    violation = violation_of(session, renovation)
    fire(session, violation, "serve", "site_administrator", method="posted")
    item = work_of(session, violation, WORK)
    assert item is not None and item.deadlines[-1].rule_key == RULE and item.deadlines[-1].due_at == violation.due_at
    past = now() - timedelta(minutes=1)
    mine = (
        Deadline.record_type == "renovation_violation",
        Deadline.record_id == violation.id,
        Deadline.rule_key == RULE,
    )
    session.execute(update(Deadline).where(*mine).values(started_at=past - timedelta(days=3), due_at=past))
    session.commit()
    with acting(system_actor("worker")):
        assert (lapse(session), lapse(session)) == (1, 0)
    session.refresh(violation)
    assert violation.state == V.OVERDUE
    item = work_of(session, violation, WORK)
    timer = running(session, item, REPORT_RULE)
    assert item.role == "manager" and timer is not None and timer.due_at - timer.started_at == timedelta(hours=24)
    fire(session, violation, "report", "manager", authority="街道综合执法队", receipt="2026-881")
    assert timer.met_at is not None and (violation.authority, violation.report_receipt) == (
        "街道综合执法队",
        "2026-881",
    )


@pytest.mark.clause("RN-17")
@pytest.mark.parametrize(("days", "repeated"), [(89, True), (91, False)])
def test_the_second_violation_of_a_category_within_ninety_days_opens_an_action(session, client_of, days, repeated):
    renovation = under_way(session)
    first = violation_of(session, renovation, "R05-1")
    earlier = session.get_one(Finding, first.finding_id)
    earlier.found_at = now() - timedelta(days=days)
    session.flush()
    assert earlier.action_id is None
    second = violation_of(session, renovation, "R06-2")
    action = session.get_one(Finding, second.finding_id).action
    assert (action is not None) is repeated
    page = client_of("manager").get(f"/renovation-violations/{second.id}").get_data(as_text=True)
    assert ("This is a repeated problem" in page) is repeated
    if action:
        assert action.number in page


@pytest.mark.clause("RN-17")
@pytest.mark.parametrize("by_hand", [False, True])
def test_a_withdrawn_notice_counts_toward_no_repeated_problem(session, by_hand):
    renovation, manager = under_way(session), person(session, "manager")
    first = violation_of(session, renovation, "R05-1")
    mistaken = session.get_one(Finding, first.finding_id)
    if by_hand:
        revoke_finding(session, mistaken, reason="误记", actor=manager)
    fire(session, first, "withdraw", "manager", reason="误开")
    assert first.state == V.WITHDRAWN and mistaken.revoked_reason == ("误记" if by_hand else "误开")
    second = violation_of(session, renovation, "R06-2")
    assert session.get_one(Finding, second.finding_id).action is None
    third = violation_of(session, renovation, "R05-1")
    action = session.get_one(Finding, third.finding_id).action
    assert action is not None and mistaken.action is None
    assert {one.source_id for one in action.findings} == {second.id, third.id}


def test_a_notice_is_corrected_until_it_is_served(session, client_of):
    renovation, client = under_way(session), client_of("site_administrator")
    violation = violation_of(session, renovation)
    actor = person(session, "site_administrator")
    site.change_notice(session, violation, {"requirement": "两小时内清运", "due_at": None}, actor=actor)
    assert violation.requirement == "两小时内清运"
    violation.found_at -= timedelta(days=1)
    session.flush()
    for wrong in ({"requirement": " "}, {"due_at": now() - timedelta(hours=1)}):
        with pytest.raises(FieldErrors):
            site.change_notice(session, violation, wrong, actor=actor)
        session.refresh(violation)
    fire(session, violation, "serve", "site_administrator", method="mail")
    with pytest.raises(Blocked):
        site.change_notice(session, violation, {"requirement": "改"}, actor=actor)
    assert client.get(f"/renovations/{renovation.id}").get_data(as_text=True).count(violation.number)


@pytest.mark.clause("RN-10")
def test_nobody_is_served_a_deadline_that_has_gone_by(session):
    violation = violation_of(session, under_way(session))
    violation.found_at, violation.due_at = now() - timedelta(days=4), now() - timedelta(hours=1)
    with pytest.raises(Blocked, match="another one"):
        fire(session, violation, "serve", "site_administrator", method="mail")
    actor, due = person(session, "site_administrator"), now() + timedelta(days=2)
    site.change_notice(session, violation, {"due_at": due}, actor=actor)
    fire(session, violation, "serve", "site_administrator", method="mail")
    assert running(session, work_of(session, violation, WORK), RULE).due_at == due


def test_a_deadline_at_midnight_ends_the_day_before(session, client_of):
    client, violation = client_of("manager"), violation_of(session, under_way(session))
    violation.due_at = datetime(2031, 5, 2, tzinfo=SHANGHAI).astimezone(UTC)
    session.commit()
    for path in ("", str(violation.id)):
        page = client.get(f"/renovation-violations/{path}").get_data(as_text=True)
        assert "2031-05-01 24:00" in page and "2031-05-02" not in page, path


def test_the_form_of_a_notice_says_that_the_violation_is_needed(session, client_of):
    renovation, client = under_way(session), client_of("site_administrator")
    form = client.get(f"/renovation-violations/new?renovation_id={renovation.id}").get_data(as_text=True)
    assert '<label class="form-label required" for="code_id">' in form
    sent = {"renovation_id": renovation.id, "code_id": "", "description": "楼道", "requirement": "清运"}
    answer = client.post("/renovation-violations/new", data=sent)
    assert answer.status_code == 422 and "“Violation” must be filled in." in answer.get_data(as_text=True)


@pytest.mark.clause("RN-09")
def test_a_visit_to_a_site_that_was_accepted_before_is_refused(session):
    renovation, actor = accepted(session), person(session, "site_administrator")
    visit = {"visited_at": now(), "stage": Stage.FINISHED, "points": {}, "actor": actor}
    assert site.record_patrol(session, renovation, token="on-the-last-day", **visit)
    begun, yesterday = renovation.__table__, renovation.accepted_on - timedelta(days=1)
    session.execute(update(begun).where(begun.c.id == renovation.id).values(accepted_on=yesterday))
    session.refresh(renovation)
    with pytest.raises(InvalidValue, match="No work"):
        site.record_patrol(session, renovation, token="on-the-day-after", **visit)


def test_a_notice_about_something_else_does_not_take_the_place_of_what_the_visit_found(session):
    renovation, actor = under_way(session), person(session, "site_administrator")
    visit = site.record_patrol(
        session, renovation, token="visit-0004", visited_at=now(), stage=Stage.MASONRY, points={"corridor": "violation"},
        findings="楼道有垃圾", actor=actor,
    )  # fmt: skip
    for code in ("G01", "R27"):
        assert violation_of(session, renovation, code, patrol=visit).patrol is visit
    for code in ("G01", "R27", "R08"):
        with pytest.raises(FieldErrors):
            violation_of(session, renovation, code, patrol=visit)


def test_a_notice_of_a_visit_belongs_to_the_site_that_was_visited(session):
    one, other, actor = under_way(session), under_way(session), person(session, "site_administrator")
    visit = site.record_patrol(
        session, one, token="visit-0001", visited_at=now(), stage=Stage.MASONRY, points={}, actor=actor
    )
    with pytest.raises(FieldErrors):
        violation_of(session, other, patrol=visit)
    assert violation_of(session, one, patrol=visit).patrol is visit


@pytest.mark.clause("RN-10")
def test_what_a_visit_found_gets_one_notice(session, client_of):
    """A second one is neither offered nor taken; a withdrawn one leaves room for another."""
    renovation, client = under_way(session), client_of("site_administrator")
    points = {"corridor": "violation", "noise": "violation", "drainage": "violation", "facade": "ok"}
    visit = site.record_patrol(
        session, renovation, token="visit-0003", visited_at=now(), stage=Stage.MASONRY, points=points, findings="楼道有垃圾",
        actor=person(session, "site_administrator"),
    )  # fmt: skip

    def offered() -> set[str]:
        session.flush()
        pages = [
            client.get(path).get_data(as_text=True)
            for path in ("/renovation-patrols/round", f"/renovation-patrols/{visit.id}")
        ]
        of_round, of_visit = (set(re.findall(rf"patrol_id={visit.id}&amp;point=(\w+)", page)) for page in pages)
        assert of_round == of_visit
        return of_visit

    assert offered() == {"corridor", "noise", "drainage"}
    first = violation_of(session, renovation, "R27", patrol=visit)
    assert offered() == {"noise", "drainage"}
    code = first.code_id
    sent = {
        "renovation_id": renovation.id, "patrol_id": visit.id, "code_id": code, "description": "楼道", "requirement": "清运",
        "due_at": "", "consequences": "",
    }  # fmt: skip
    assert client.post("/renovation-violations/new", data=sent).status_code == 422
    violation_of(session, renovation, "R05-1", patrol=visit)  # the point of drainage leaves the choice open
    assert offered() == {"noise"}
    violation_of(session, renovation, "R26", patrol=visit)
    assert offered() == set()
    with pytest.raises(FieldErrors):
        violation_of(session, renovation, "R08", patrol=visit)
    fire(session, first, "withdraw", "manager", reason="误开")
    assert offered() == {"corridor"}
    assert client.post("/renovation-violations/new", data=sent).status_code == 302


@pytest.mark.parametrize("path", ["/renovation-violations/", "/renovation-patrols/"])
def test_records_of_another_estate_do_not_exist(session, client_of, path):
    renovation = under_way(session)
    violation = violation_of(session, renovation)
    visit = site.record_patrol(
        session, renovation, token="visit-0002", visited_at=now(), stage=Stage.NOBODY, points={},
        actor=person(session, "site_supervisor"),
    )  # fmt: skip
    number = {"/renovation-violations/": violation.id, "/renovation-patrols/": visit.id}[path]
    assert client_of("manager").get(f"{path}{number}").status_code == 200
    assert client_of("neighbour").get(f"{path}{number}").status_code == 404


# Papers


def context_of(code: str, record: Any) -> Any:
    kind = registry().papers[code]
    given = {"language": "both", "actor": system_actor(estate_id=1)}
    return draft_context(db.session, kind, record, template=load_paper(kind.folder), **given)


@pytest.mark.clause("RN-09")
def test_the_log_has_both_rounds_of_a_site_and_the_day_those_not_made(session):
    one, other, actor = under_way(session), under_way(session), person(session, "site_supervisor")
    points = dict.fromkeys(site.POINTS, "ok") | {"corridor": "violation"}
    given = {"visited_at": now(), "stage": Stage.MASONRY, "persons": 3, "persons_with_pass": 2, "actor": actor}
    visit = site.record_patrol(session, one, token="log-00001", points=points, findings="楼道有垃圾", **given)
    site.record_patrol(session, one, token="log-00002", points={}, **given)
    violation = violation_of(session, one, patrol=visit)
    session.refresh(one, ["violations"])
    log = context_of("F30", visit)
    assert len(log.visits) == 2 and [notice.number for notice in log.notices] == [violation.number]
    assert log.visits[0].results[list(site.POINTS).index("corridor")].en == "Violation"
    assert log.visits[1].results == (None,) * len(site.POINTS)
    day = context_of("F30D", visit)
    mine = [line for line in day.lines if line.unit == one.unit.code and line.at]
    assert [line.violations for line in mine] == [(in_both(site.POINTS["corridor"]),), ()]
    assert day.missed == sum(not line.at for line in day.lines)
    assert {one.unit.code, other.unit.code} >= {line.unit for line in day.lines if line.at}


@pytest.mark.clause("RN-10")
def test_the_notice_names_law_deadline_and_consequences_and_the_receipt(session):
    renovation = under_way(session)
    violation = violation_of(session, renovation, "R06-2", stop_work=True)
    fire(session, violation, "serve", "site_administrator", method="in_person", receiver="王师傅")
    actor = person(session, "site_administrator")
    sign(session, violation, role="receipt", signer="王师傅", drawing=DRAWN, actor=actor)
    paper = context_of("F31", violation)
    assert paper.basis.zh == "《住宅室内装饰装修管理办法》（建设部令第110号）第6(2)条" and "art. 6(2)" in paper.basis.en
    assert paper.stop_work and paper.due_at.date() >= paper.found_at.date() and "报告" in paper.consequences
    receipt = paper.signatures[1]
    assert receipt.name == "王师傅" and receipt.image.startswith("data:image/png")
    words = " ".join(str(value) for value in vars(paper).values())
    assert "罚款" not in words and " fine " not in words.lower()
