"""Checks, rectification notices and corrective actions as tables (MI-12, RE-07, RN-17, OS-08)."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.access.actor import Actor
from app.core.access.roles import Role
from app.core.workflow.table import Ask, Transition, Wait, Workflow
from app.modules.checks import effects
from app.modules.checks.models import CorrectiveAction, RectificationNotice, SpotCheck
from app.modules.checks.states import ACTION_LOOKS, CHECK_LOOKS, NOTICE_LOOKS
from app.modules.checks.states import ActionState as A
from app.modules.checks.states import CheckState as C
from app.modules.checks.states import NoticeState as N

REASON = Ask("reason", _l("Reason"))


def every_sample_checked(check: SpotCheck, actor: Actor) -> str | None:
    left = sum(1 for sample in check.samples if sample.result is None)
    return _("%(count)s samples have no result yet.", count=left) if left else None


def nothing_found(check: SpotCheck, actor: Actor) -> str | None:
    found = any(sample.standing_findings for sample in check.samples)
    return _("The check has findings: conclude it, so that they are followed up.") if found else None


CHECK = Workflow(
    model=SpotCheck,
    resource="SpotCheck",
    looks=CHECK_LOOKS,
    initial=C.DRAWN,
    work="checks.spot_check",
    waits={C.DRAWN: Wait(role=Role.MANAGER, rule="checks.spot_check"), C.UNDER_WAY: Wait(role=Role.MANAGER, rule="checks.spot_check")},
    void=(C.WITHDRAWN,),
    transitions=(
        Transition(name="begin", title=_l("Begin the check"), sources=(C.DRAWN,), target=C.UNDER_WAY, verb="check"),
        Transition(
            name="conclude",
            title=_l("Conclude the check"),
            sources=(C.DRAWN, C.UNDER_WAY),
            target=C.CONCLUDED,
            verb="conclude",
            needs=(every_sample_checked,),
            asks=(Ask("conclusion", _l("Conclusion"), required=False),),
            effect=effects.conclude,
            primary=True,
        ),
        Transition(
            name="withdraw",
            title=_l("Withdraw the check"),
            sources=(C.DRAWN, C.UNDER_WAY),
            target=C.WITHDRAWN,
            verb="withdraw",
            needs=(nothing_found,),
            asks=(REASON,),
            effect=effects.withdraw,
            danger=True,
        ),
    ),
)  # fmt: skip


def addressed(record: RectificationNotice, actor: Actor) -> str | None:
    """The addressee answers, or somebody who may verify on their behalf."""
    mine = actor.system or actor.may("verify", "RectificationNotice") or record.addressed_to(actor)
    return None if mine else _("Only the addressee can do this.")


def not_own_answer(record: RectificationNotice, actor: Actor) -> str | None:
    own = not actor.system and record.answered_by_id == actor.user_id
    return _("You answered this notice yourself; another person verifies it.") if own else None


def _addressee_waits(rule: str) -> Wait:
    return Wait(role=lambda r: r.role, person=lambda r: r.person_id, rule=rule, due=lambda r: r.due_at)


NOTICE = Workflow(
    model=RectificationNotice,
    resource="RectificationNotice",
    looks=NOTICE_LOOKS,
    initial=N.DRAFT,
    work="checks.notice",
    waits={
        N.DRAFT: Wait(role=Role.MANAGER, rule="checks.serve_notice"),
        N.SERVED: _addressee_waits("checks.rectification"),
        N.ANSWERED: Wait(role=Role.MANAGER, rule="checks.verify_notice"),
    },
    void=(N.WITHDRAWN,),
    transitions=(
        Transition(
            name="serve",
            title=_l("Serve the notice"),
            sources=(N.DRAFT,),
            target=N.SERVED,
            verb="serve",
            effect=effects.serve,
            primary=True,
        ),
        Transition(
            name="answer",
            title=_l("Report the rectification"),
            sources=(N.SERVED,),
            target=N.ANSWERED,
            verb="answer",
            needs=(addressed,),
            asks=(Ask("answer", _l("Result of the rectification")),),
            effect=effects.answer,
            primary=True,
        ),
        Transition(
            name="verify",
            title=_l("Verified, close"),
            sources=(N.ANSWERED,),
            target=N.CLOSED,
            verb="verify",
            needs=(not_own_answer,),
            asks=(Ask("seen", _l("What was verified"), required=False),),
            effect=effects.verify_notice,
            primary=True,
        ),
        Transition(
            name="send_back",
            title=_l("Not right yet, send back"),
            sources=(N.ANSWERED,),
            target=N.SERVED,
            verb="verify",
            asks=(REASON,),
            effect=effects.send_back_notice,
        ),
        Transition(
            name="withdraw",
            title=_l("Withdraw the notice"),
            sources=(N.DRAFT, N.SERVED),
            target=N.WITHDRAWN,
            verb="withdraw",
            asks=(REASON,),
            effect=effects.withdraw,
            danger=True,
        ),
    ),
)


def responsible(action: CorrectiveAction, actor: Actor) -> str | None:
    """The responsible department, an owner of a measure, or those who lead the action."""
    owners = {measure.owner_id for measure in action.measures}
    mine = actor.system or actor.may("agree", "CorrectiveAction") or action.role in actor.roles
    return None if mine or actor.user_id in owners else _("Only the responsible department can do this.")


def correction_made(action: CorrectiveAction, actor: Actor) -> str | None:
    return None if action.correction else _("Enter the immediate correction first.")


def cause_found(action: CorrectiveAction, actor: Actor) -> str | None:
    return None if action.causes else _("Enter at least one root cause.")


def measures_stated(action: CorrectiveAction, actor: Actor) -> str | None:
    return None if action.measures else _("Enter at least one measure.")


def measures_done(action: CorrectiveAction, actor: Actor) -> str | None:
    left = sum(1 for measure in action.measures if measure.done_on is None)
    return _("%(count)s measures are not done yet.", count=left) if left else None


def not_own_measure(action: CorrectiveAction, actor: Actor) -> str | None:
    own = not actor.system and any(measure.owner_id == actor.user_id for measure in action.measures)
    return _("You own a measure of this action; another person verifies it.") if own else None


ACTION = Workflow(
    model=CorrectiveAction,
    resource="CorrectiveAction",
    looks=ACTION_LOOKS,
    initial=A.OPEN,
    work="checks.action",
    waits={
        A.OPEN: Wait(role=lambda r: r.role, rule="checks.cause"),
        A.ANALYSED: Wait(role=Role.MANAGER, rule="checks.measures"),
        A.AGREED: Wait(role=lambda r: r.role),
        A.DONE: Wait(role=Role.MANAGER, rule="checks.verify_action"),
        A.VERIFIED: Wait(role=Role.MANAGER, rule="checks.effectiveness"),
    },
    void=(A.WITHDRAWN,),
    transitions=(
        Transition(
            name="analyse",
            title=_l("The cause is found"),
            sources=(A.OPEN,),
            target=A.ANALYSED,
            verb="analyse",
            needs=(responsible, correction_made, cause_found),
            primary=True,
        ),
        Transition(
            name="agree",
            title=_l("Agree the measures"),
            sources=(A.ANALYSED,),
            target=A.AGREED,
            verb="agree",
            needs=(measures_stated,),
            effect=effects.agree,
            primary=True,
        ),
        Transition(
            name="reanalyse",
            title=_l("Back to the cause"),
            sources=(A.ANALYSED,),
            target=A.OPEN,
            verb="agree",
            asks=(REASON,),
        ),
        Transition(
            name="finish",
            title=_l("All measures are done"),
            sources=(A.AGREED,),
            target=A.DONE,
            verb="carry_out",
            needs=(responsible, measures_done),
            primary=True,
        ),
        Transition(
            name="verify",
            title=_l("The measures are verified"),
            sources=(A.DONE,),
            target=A.VERIFIED,
            verb="verify",
            needs=(not_own_measure,),
            asks=(Ask("evidence", _l("Evidence of the verification")),),
            effect=effects.verify_action,
            primary=True,
        ),
        Transition(
            name="send_back",
            title=_l("Not done as agreed, send back"),
            sources=(A.DONE,),
            target=A.AGREED,
            verb="verify",
            asks=(REASON,),
            effect=effects.send_back_action,
        ),
        Transition(
            name="close",
            title=_l("Effective, close"),
            sources=(A.VERIFIED,),
            target=A.EFFECTIVE,
            verb="verify",
            needs=(not_own_measure,),
            asks=(Ask("judgement", _l("What shows the effect")),),
            effect=effects.judge_effective,
            primary=True,
        ),
        Transition(
            name="reissue",
            title=_l("Not effective, reissue"),
            sources=(A.VERIFIED,),
            target=A.REISSUED,
            verb="verify",
            needs=(not_own_measure,),
            asks=(Ask("judgement", _l("What shows that it had no effect")),),
            effect=effects.reissue,
            danger=True,
        ),
        Transition(
            name="withdraw",
            title=_l("Withdraw the action"),
            sources=(A.OPEN, A.ANALYSED, A.AGREED),
            target=A.WITHDRAWN,
            verb="withdraw",
            asks=(REASON,),
            effect=effects.withdraw_action,
            danger=True,
        ),
    ),
)


def label(record: Any) -> str:
    """How the queue calls a record: number and what it is about."""
    about = record.title.zh if isinstance(record, SpotCheck) else getattr(record, "problem", "") or record.description
    return f"{record.number} {about}"
