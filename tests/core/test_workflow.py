"""The workflow table: checked when it is built, obeyed when it is fired."""

from __future__ import annotations

import pytest

from app.core.access.actor import Actor
from app.core.workflow.table import Ask, Look, StateGuarded, Transition, Workflow, not_own_entry, unanswered
from app.modules.movein.models import MoveInCase
from app.modules.movein.states import CaseState
from app.modules.movein.workflow import MOVE_IN


def test_an_unknown_state_is_refused_when_the_table_is_built() -> None:
    with pytest.raises(ValueError, match="unknown state lost"):
        Workflow(
            model=MoveInCase, resource="X", looks={"a": Look("A")}, initial="a",
            transitions=(Transition(name="go", title="Go", sources=("a",), target="lost", verb="go"),),
        )  # fmt: skip


def test_two_transitions_of_one_name_are_refused() -> None:
    step = Transition(name="go", title="Go", sources=("a",), target="a", verb="go")
    with pytest.raises(ValueError, match="stands twice"):
        Workflow(model=MoveInCase, resource="X", looks={"a": Look("A")}, initial="a", transitions=(step, step))


def test_the_diagram_shows_every_transition() -> None:
    drawn = MOVE_IN.mermaid()
    assert drawn.startswith("stateDiagram-v2\n    [*] --> documents")
    for transition in MOVE_IN.transitions:
        for source in transition.sources:
            assert f"    {source} --> {transition.target}: {transition.name}" in drawn


def test_every_state_can_be_reached_and_only_the_ends_stay() -> None:
    reached = {MOVE_IN.initial} | {t.target for t in MOVE_IN.transitions}
    assert reached == set(MOVE_IN.looks)


def test_a_state_cannot_be_set_past_the_table() -> None:
    case = MoveInCase(number="MI-1")
    with pytest.raises(StateGuarded):
        case.state = CaseState.COMPLETED


def test_nobody_decides_on_their_own_entry() -> None:
    case = MoveInCase(number="MI-1", created_by_id=7)
    mine, hers = (Actor(user_id=number, name="x") for number in (7, 8))
    assert not_own_entry(case, mine)
    assert not_own_entry(case, hers) is None


def test_an_input_with_choices_takes_only_what_is_offered(app) -> None:
    asks = (Ask("way", "Way", choices=CaseState), Ask("remark", "Remark", required=False))
    with app.test_request_context():
        assert unanswered(asks, {"way": CaseState.COMPLETED.value, "remark": ""}) == []
        assert unanswered(asks, {"way": "", "remark": "x"}) == ["“Way” must be filled in."]
        assert unanswered(asks, {"way": "pigeon", "remark": ""}) == ["Way: choose one of the values offered."]
        assert asks[0].said("completed") == str(CaseState.COMPLETED.title)
        assert (asks[0].said("pigeon"), asks[1].said("as typed")) == ("pigeon", "as typed")
