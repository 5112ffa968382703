"""The pass from the counter to the gate. What a household owes stands in no way: it is no reason to hold belongings."""

from flask_babel import lazy_gettext as _l

from app.core.access.roles import Role
from app.core.workflow.documents import end_of_validity, must, not_over, noted, signed, valid_today
from app.core.workflow.table import Ask, Transition, Wait, Workflow, looks_of
from app.modules.goods.models import GoodsRelease
from app.modules.goods.states import Confirmation
from app.modules.goods.states import ReleaseState as S

document_seen = must(lambda r: r.id_seen, _l("Look at the applicant's identity document first."))
owner_agrees = must(
    lambda r: r.confirmation != Confirmation.SIGNATURE or signed(r, "owner"), _l("The owner has not signed yet.")
)

RELEASE = Workflow(
    model=GoodsRelease, resource="GoodsRelease", looks=looks_of(S), initial=S.ENTERED, work="goods.release",
    waits={
        S.ENTERED: Wait(role=Role.RECEPTIONIST),
        S.ISSUED: Wait(role=Role.SECURITY, rule="goods.release", due=end_of_validity, lapse="expire"),
    },
    void=(S.EXPIRED, S.CANCELLED),
    transitions=(
        Transition(name="issue", title=_l("Issue the pass"), sources=(S.ENTERED,), target=S.ISSUED, verb="issue",
                   needs=(document_seen, owner_agrees, not_over), effect=noted("issued"), primary=True),
        Transition(name="release", title=_l("Goods as listed, let pass"), sources=(S.ISSUED,), target=S.RELEASED,
                   verb="check", needs=(valid_today,), asks=(Ask("remark", _l("Remark"), required=False),),
                   effect=noted("checked", items_match=True), primary=True),
        Transition(name="turn_back", title=_l("Not as listed, back to the counter"), sources=(S.ISSUED,), target=S.ENTERED,
                   verb="check", asks=(Ask("remark", _l("What differs")),), effect=noted("checked", items_match=False)),
        Transition(name="expire", title=_l("Expire"), sources=(S.ISSUED,), target=S.EXPIRED, verb="expire"),
        Transition(name="cancel", title=_l("Cancel the pass"), sources=(S.ENTERED, S.ISSUED), target=S.CANCELLED,
                   verb="issue", asks=(Ask("reason", _l("Reason")),), danger=True),
    ),
)  # fmt: skip
