"""The move-in case as a table: the owner's way from the counter to the keys (MI-04 … MI-11), with its way back."""

from flask_babel import lazy_gettext as _l

from app.core.access.roles import Role
from app.core.workflow.table import Ask, Transition, Wait, Workflow
from app.modules.movein import effects, gates
from app.modules.movein.models import MoveInCase
from app.modules.movein.states import LOOKS
from app.modules.movein.states import CaseState as S

REASON = Ask("reason", _l("Reason"))

CASE = "movein.case"
"""Code of the kind of work."""


def _step_of(role: Role) -> Wait:
    return Wait(role=role.value, rule="movein.step", anew=True)


MOVE_IN = Workflow(
    model=MoveInCase,
    resource="MoveInCase",
    looks=LOOKS,
    initial=S.DOCUMENTS,
    work=CASE,
    waits={
        S.DOCUMENTS: _step_of(Role.RECEPTIONIST),
        S.REGISTRATION: _step_of(Role.RECEPTIONIST),
        S.FEES: _step_of(Role.CASHIER),
        S.SIGNING: _step_of(Role.RECEPTIONIST),
        S.HANDOUT: _step_of(Role.RECEPTIONIST),
        S.INSPECTION: _step_of(Role.INSPECTOR),
        S.REFUSED: Wait(role=Role.CS_SUPERVISOR.value),  # the defects to rectify have clocks of their own
        S.KEYS: _step_of(Role.RECEPTIONIST),
    },
    void=(S.WITHDRAWN,),
    transitions=(
        Transition(
            name="pass_documents",
            title=_l("Papers are in order"),
            sources=(S.DOCUMENTS,),
            target=S.REGISTRATION,
            verb="check_documents",
            needs=(gates.papers_in_order,),
            primary=True,
        ),
        Transition(
            name="confirm_registration",
            title=_l("Registration is complete"),
            sources=(S.REGISTRATION,),
            target=S.FEES,
            verb="register",
            needs=(gates.owner_registered,),
            primary=True,
        ),
        Transition(
            name="close_fees",
            title=_l("Go on to signing"),
            sources=(S.FEES,),
            target=S.SIGNING,
            verb="bill",
            needs=(gates.bill_issued,),
            primary=True,
        ),
        Transition(
            name="close_signing",
            title=_l("Everything is signed"),
            sources=(S.SIGNING,),
            target=S.HANDOUT,
            verb="sign",
            needs=(gates.agreements_signed,),
            primary=True,
        ),
        Transition(
            name="close_handout",
            title=_l("Papers are handed out"),
            sources=(S.HANDOUT,),
            target=S.INSPECTION,
            verb="hand_out",
            needs=(gates.papers_handed_out,),
            primary=True,
        ),
        Transition(
            name="accept",
            title=_l("Owner accepts the unit"),
            sources=(S.INSPECTION,),
            target=S.KEYS,
            verb="conclude",
            needs=(gates.inspection_finished, gates.nothing_to_rectify, gates.sign_off_signed),
            effect=effects.accept,
            primary=True,
        ),
        Transition(
            name="accept_with_defects",
            title=_l("Owner accepts with defects list"),
            sources=(S.INSPECTION,),
            target=S.KEYS,
            verb="conclude",
            needs=(gates.inspection_finished, gates.some_defects_none_structural, gates.sign_off_signed),
            effect=effects.accept_with_defects,
        ),
        Transition(
            name="refuse",
            title=_l("Owner refuses the unit"),
            sources=(S.INSPECTION,),
            target=S.REFUSED,
            verb="conclude",
            needs=(gates.inspection_finished,),
            asks=(REASON,),
            effect=effects.refuse,
            danger=True,
        ),
        Transition(
            name="reinspect",
            title=_l("Start re-inspection"),
            sources=(S.REFUSED,),
            target=S.INSPECTION,
            verb="inspect",
            effect=effects.reinspect,
            primary=True,
        ),
        Transition(
            name="hand_over_keys",
            title=_l("Hand over the keys"),
            sources=(S.KEYS,),
            target=S.COMPLETED,
            verb="hand_over_keys",
            needs=(gates.keys_listed_and_signed,),
            effect=effects.hand_over_keys,
            primary=True,
        ),
        Transition(
            name="back_to_documents",
            title=_l("Back to checking documents"),
            sources=(S.REGISTRATION,),
            target=S.DOCUMENTS,
            verb="step_back",
            asks=(REASON,),
        ),
        Transition(
            name="back_to_registration",
            title=_l("Back to registration"),
            sources=(S.FEES,),
            target=S.REGISTRATION,
            verb="step_back",
            asks=(REASON,),
        ),
        Transition(
            name="back_to_fees",
            title=_l("Back to fees"),
            sources=(S.SIGNING,),
            target=S.FEES,
            verb="step_back",
            asks=(REASON,),
        ),
        Transition(
            name="back_to_signing",
            title=_l("Back to signing"),
            sources=(S.HANDOUT,),
            target=S.SIGNING,
            verb="step_back",
            asks=(REASON,),
        ),
        Transition(
            name="back_to_handout",
            title=_l("Back to handing out papers"),
            sources=(S.INSPECTION,),
            target=S.HANDOUT,
            verb="step_back",
            asks=(REASON,),
        ),
        Transition(
            name="back_to_inspection",
            title=_l("Back to inspection"),
            sources=(S.KEYS,),
            target=S.INSPECTION,
            verb="step_back",
            asks=(REASON,),
            effect=effects.withdraw_conclusion,
        ),
        Transition(
            name="withdraw",
            title=_l("Withdraw the move-in"),
            sources=(S.DOCUMENTS, S.REGISTRATION, S.FEES, S.SIGNING, S.HANDOUT, S.INSPECTION, S.REFUSED),
            target=S.WITHDRAWN,
            verb="withdraw",
            asks=(REASON,),
            danger=True,
        ),
        Transition(
            name="resume",
            title=_l("Take up again"),
            sources=(S.WITHDRAWN,),
            target=S.DOCUMENTS,
            verb="reopen",
            asks=(REASON,),
        ),
        Transition(
            name="reopen",
            title=_l("Correct the key hand-over"),
            sources=(S.COMPLETED,),
            target=S.KEYS,
            verb="reopen",
            asks=(REASON,),
            effect=effects.reopen,
            danger=True,
        ),
    ),
)
