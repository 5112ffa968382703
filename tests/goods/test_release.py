"""The pass from the counter to the gate (forms F3; DU-17): numbers, workflow, clock, queue, lapse."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.core.access.actor import NotAllowed, acting, system_actor
from app.core.access.roles import Role
from app.core.clocks.models import Deadline
from app.core.clocks.services import last_day, rule_of, work_of
from app.core.records.base import now
from app.core.records.clock import bounds_of, estate_today
from app.core.registry import HouseholdHead, registry
from app.core.workflow.documents import sign, signed
from app.core.workflow.lapse import lapse
from app.core.workflow.table import Blocked
from app.modules.goods.models import GoodsRelease
from app.modules.goods.states import Confirmation
from app.modules.goods.states import ReleaseState as S
from app.modules.goods.workflow import RELEASE
from tests.goods.factories import SYSTEM, issued, owes, release_of
from tests.movein.factories import DRAWN

pytestmark = pytest.mark.clause("DU-17")


def at_state(session, state: S) -> GoodsRelease:
    release = release_of(session) if state is S.ENTERED else issued(session)
    way = {S.RELEASED: "release", S.EXPIRED: "expire", S.CANCELLED: "cancel"}
    if state in way:
        RELEASE.fire(session, release, way[state], actor=SYSTEM, inputs={"reason": "Stays here"})
    return release


def test_one_pass_one_number_without_gaps(session):
    first, second = release_of(session), release_of(session)
    series, year, number = first.number.split("-")
    assert (series, int(year)) == ("GR", estate_today(session, 1).year)
    assert int(second.number.split("-")[2]) == int(number) + 1


@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("role", list(Role))
def test_who_may_do_what_where(session, actor_of, role, state):
    """State × role: the counter enters, issues and cancels, security answers at the gate, nobody lets a pass expire."""
    counter = role in (Role.RECEPTIONIST, Role.CS_SUPERVISOR, Role.MANAGER)
    gate = role is Role.SECURITY
    expected = {
        S.ENTERED: ["issue", "cancel"] * counter,
        S.ISSUED: ["release", "turn_back"] * gate + ["cancel"] * counter,
    }
    release, actor = at_state(session, state), actor_of(role.value)
    assert [o.transition.name for o in RELEASE.offers(release, actor)] == expected.get(state, [])
    for transition in RELEASE.transitions:
        if transition.name not in expected.get(state, []):
            with pytest.raises((NotAllowed, Blocked)):
                RELEASE.fire(session, release, transition.name, actor=actor, inputs={"reason": "x", "remark": "x"})
    assert release.state is state


def test_a_pass_is_good_once(session, actor_of):
    release, guard = issued(session), actor_of("security")
    RELEASE.fire(session, release, "release", actor=guard, inputs={"remark": "Two trips"})
    assert (release.state, release.items_match, release.remark) == (S.RELEASED, True, "Two trips")
    assert (release.checked_by_name, release.checked_at is not None) == (guard.name, True)
    with pytest.raises(Blocked):
        RELEASE.fire(session, release, "release", actor=guard)


def test_what_differs_goes_back_to_the_counter_and_out_again(session, actor_of):
    release, guard = issued(session), actor_of("security")
    with pytest.raises(Blocked):  # says what differs
        RELEASE.fire(session, release, "turn_back", actor=guard)
    RELEASE.fire(session, release, "turn_back", actor=guard, inputs={"remark": "A piano too"})
    assert (release.state, release.items_match, release.remark) == (S.ENTERED, False, "A piano too")
    assert work_of(session, release, "goods.release").role == "receptionist"
    release.items = [*release.items, {"name": "Piano", "quantity": "1", "note": ""}]
    RELEASE.fire(session, release, "issue", actor=actor_of("receptionist"))
    RELEASE.fire(session, release, "release", actor=guard)
    assert (release.items_match, release.remark) == (True, "")


def test_the_document_is_seen_and_the_owner_agrees(session, actor_of):
    release, desk = (
        release_of(session, confirmation=Confirmation.SIGNATURE, confirmation_note="", id_seen=False),
        actor_of("receptionist"),
    )
    with pytest.raises(Blocked) as refused:
        RELEASE.fire(session, release, "issue", actor=desk)
    assert len(refused.value.reasons) == 2
    release.id_seen = True
    sign(session, release, role="owner", signer="张三", drawing=DRAWN, actor=desk)
    RELEASE.fire(session, release, "issue", actor=desk)
    assert signed(release, "owner").signer == "张三" and release.issued_by_name == desk.name


@pytest.mark.parametrize("confirmation", [Confirmation.PHONE, Confirmation.AUTHORISATION])
def test_a_call_or_a_letter_is_written_down(session, confirmation):
    with pytest.raises(IntegrityError, match="confirmation_noted"):
        release_of(session, confirmation=confirmation, confirmation_note="")


def test_arrears_never_hold_belongings_back(app, session, actor_of):
    """Civil Code art. 944 and the design's caution: what is owed is shown, and stands in no way."""
    release = release_of(session)
    owes(session, release.unit)
    with app.test_request_context(), acting(actor_of("receptionist")) as actor:
        assert registry().of(HouseholdHead)["fees"].of(session, release.unit, actor)["owed"] > 0
    RELEASE.fire(session, release, "issue", actor=actor_of("receptionist"))
    RELEASE.fire(session, release, "release", actor=actor_of("security"))
    assert release.state is S.RELEASED


def test_the_pass_waits_at_the_gate_until_its_last_day_ends(session):
    release = issued(session, days=2)
    item = work_of(session, release, "goods.release")
    assert (item.role, item.step, item.unit_id) == ("security", "release", release.unit_id)
    (clock,) = session.scalars(
        select(Deadline).where(Deadline.record_type == "goods_release", Deadline.record_id == release.id)
    )
    assert clock.due_at == bounds_of(session, 1, release.valid_to, release.valid_to)[1]
    RELEASE.fire(session, release, "release", actor=SYSTEM)
    assert work_of(session, release, "goods.release") is None and clock.met_at is not None


def test_outside_its_days_a_pass_does_not_open_the_gate(session, actor_of):
    today = estate_today(session, 1)
    early = issued(session, valid_from=today + timedelta(days=1), valid_to=today + timedelta(days=2))
    with pytest.raises(Blocked):
        RELEASE.fire(session, early, "release", actor=actor_of("security"))
    late = release_of(session, valid_from=today - timedelta(days=2), valid_to=today - timedelta(days=1))
    with pytest.raises(Blocked):
        RELEASE.fire(session, late, "issue", actor=actor_of("receptionist"))


def test_passes_expire_by_themselves(session):
    gone, good, used = issued(session), issued(session, days=1), issued(session)
    RELEASE.fire(session, used, "release", actor=SYSTEM)
    for release in (gone, used):
        session.execute(
            update(Deadline)
            .where(Deadline.record_type == "goods_release", Deadline.record_id == release.id)
            .values(due_at=now() - timedelta(minutes=1))
        )
    session.commit()
    with acting(system_actor("worker")):
        assert (lapse(session), lapse(session)) == (1, 0)
    assert [release.state for release in (gone, good, used)] == [S.EXPIRED, S.ISSUED, S.RELEASED]
    assert work_of(session, gone, "goods.release") is None


def test_the_estate_says_how_long_a_pass_usually_holds(session):
    today = estate_today(session, 1)
    assert last_day(session, 1, "goods.release") == today
    rule_of(session, 1, "goods.release").amount = 3
    assert last_day(session, 1, "goods.release") == today + timedelta(days=3)


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"state": "issued"}, "issued_before_gate"),
        ({"checked_at": now()}, "checked_iff_result"),
        ({"state": "released", "issued_at": now()}, "released_only_as_listed"),
    ],
)
def test_impossible_passes_are_refused_by_the_database(session, values, rule):
    release = release_of(session)
    with pytest.raises(IntegrityError, match=rule):
        session.execute(
            update(GoodsRelease.__table__).where(GoodsRelease.__table__.c.id == release.id).values(**values)
        )


def test_a_pass_ends_after_it_begins(session):
    today = estate_today(session, 1)
    with pytest.raises(IntegrityError, match="valid_to_after_from"):
        release_of(session, valid_from=today, valid_to=today - timedelta(days=1))


def test_passes_stay_inside_their_estate(session, actor_of):
    release = release_of(session)
    with acting(actor_of("neighbour")):
        assert session.scalars(select(GoodsRelease.id)).all() == []
    with acting(actor_of("security")):
        assert session.scalars(select(GoodsRelease.id)).all() == [release.id]
