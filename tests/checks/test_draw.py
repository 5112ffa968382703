"""The random draw: reproducible from the seed, fair, and verifiable afterwards (MI-12)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.records.clock import estate_today
from app.core.records.refusals import FieldErrors
from app.core.workflow.table import Blocked
from app.modules.checks import services
from app.modules.checks.draw import digest_of, draw, rank
from app.modules.checks.states import CheckState, SampleResult, Severity
from app.modules.checks.workflow import CHECK
from app.modules.movein.states import CaseState
from tests.checks.factories import SYSTEM, category_of
from tests.movein.factories import case_at

pytestmark = pytest.mark.slow

IDS = st.lists(st.integers(1, 10**9), unique=True, max_size=60)


@given(seed=st.text("0123456789abcdef", min_size=1, max_size=32), ids=IDS, count=st.integers(0, 70))
def test_the_draw_depends_on_seed_and_records_alone(seed, ids, count):
    drawn = draw(seed, ids, count)
    assert draw(seed, list(reversed(ids)), count) == drawn
    assert len(drawn) == min(count, len(ids)) and set(drawn) <= set(ids)
    left = set(ids) - set(drawn)
    assert not left or not drawn or max(rank(seed, n) for n in drawn) < min(rank(seed, n) for n in left)
    assert digest_of(ids) == digest_of(sorted(ids))


def test_every_record_is_drawn_about_as_often():
    hits = dict.fromkeys(range(1, 21), 0)
    for seed in range(1000):
        for number in draw(str(seed), list(hits), 5):
            hits[number] += 1
    assert min(hits.values()) > 200 and max(hits.values()) < 300  # 250 expected


def drawn_check(session, count: int = 3, size: int = 2, **values):
    for _n in range(count):
        case_at(session, CaseState.COMPLETED)
    today = estate_today(session, 1)
    return services.draw_check(
        session,
        actor=SYSTEM,
        **{"kind": "movein.records", "period_from": today, "period_to": today, "sample_size": size, **values},
    )


@pytest.mark.clause("MI-12")
def test_a_changed_sample_is_noticed(session):
    check = drawn_check(session)
    assert services.verify_draw(check)
    other = next(number for number in check.population if number not in {s.record_id for s in check.samples})
    check.samples[0].record_id = other
    assert not services.verify_draw(check)
    session.rollback()


def test_a_record_picked_by_hand_is_marked_and_leaves_the_draw_right(session):
    check = drawn_check(session)
    (left,) = set(check.population) - {s.record_id for s in check.samples}
    sample = services.pick_sample(session, check, left, actor=SYSTEM)
    assert sample.picked and sample.seq == 3 and services.verify_draw(check)


def test_the_same_seed_draws_the_same(session):
    check = drawn_check(session, seed="abc")
    again = drawn_check(session, count=0, seed="abc")
    assert [s.record_id for s in check.samples] == [s.record_id for s in again.samples]


@pytest.mark.clause("MI-12")
def test_a_period_without_records_is_concluded_as_such(session):
    check = drawn_check(session, count=0)
    assert check.samples == [] and services.verify_draw(check)
    CHECK.fire(session, check, "conclude", actor=SYSTEM, inputs={"conclusion": "No move-ins."})
    assert check.state == CheckState.CONCLUDED


@pytest.mark.parametrize(
    ("field", "values"),
    [("kind", {"kind": "unheard.of"}), ("sample_size", {"sample_size": 0}), ("sample_size", {"sample_size": 10**6})],
)
def test_what_cannot_be_drawn_is_refused_beside_its_field(session, field, values):
    with pytest.raises(FieldErrors) as refused:
        drawn_check(session, count=0, **values)
    assert field in refused.value.errors


def test_a_check_ends_only_with_a_result_for_every_sample(session):
    check = drawn_check(session)
    with pytest.raises(Blocked):
        CHECK.fire(session, check, "conclude", actor=SYSTEM)
    services.judge(session, check.samples[0], result=SampleResult.OK, actor=SYSTEM)
    with pytest.raises(FieldErrors):
        services.judge(session, check.samples[1], result=SampleResult.NOT_APPLICABLE, actor=SYSTEM)
    services.judge(session, check.samples[1], result=SampleResult.NOT_APPLICABLE, note="Withdrawn", actor=SYSTEM)
    assert check.state == CheckState.UNDER_WAY
    CHECK.fire(session, check, "conclude", actor=SYSTEM)


def test_a_finding_taken_back_leaves_the_sample_open(session):
    check = drawn_check(session)
    sample = check.samples[0]
    finding = services.find(
        session,
        sample,
        category=category_of(session),
        severity=Severity.MINOR,
        description="?",
        role="receptionist",
        actor=SYSTEM,
    )
    with pytest.raises(Blocked):
        services.judge(session, sample, result=SampleResult.OK, actor=SYSTEM)
    with pytest.raises(Blocked):
        CHECK.fire(session, check, "withdraw", actor=SYSTEM, inputs={"reason": "x"})
    services.revoke_finding(session, finding, reason="Wrong sample", actor=SYSTEM)
    assert sample.result is None and sample.standing_findings == []
    services.judge(session, sample, result=SampleResult.OK, actor=SYSTEM)
    CHECK.fire(session, check, "withdraw", actor=SYSTEM, inputs={"reason": "Wrong month"})
    assert check.withdrawn_reason == "Wrong month"
