"""States and closed lists of the move-in case, with titles and badge colours."""

from flask_babel import lazy_gettext as _l

from app.core.records.choices import Choice
from app.core.workflow.table import Look


class CaseState(Choice):
    """Where a move-in case stands; each open state is the step being worked on (MI-04 … MI-11)."""

    DOCUMENTS = "documents", _l("Checking documents")
    REGISTRATION = "registration", _l("Owner registration")
    FEES = "fees", _l("Fees")
    SIGNING = "signing", _l("Signing")
    HANDOUT = "handout", _l("Handing out papers")
    INSPECTION = "inspection", _l("Unit inspection")
    REFUSED = "refused", _l("Refused, awaiting rectification")
    KEYS = "keys", _l("Key hand-over")
    COMPLETED = "completed", _l("Completed")
    WITHDRAWN = "withdrawn", _l("Withdrawn")


STEPS = (
    CaseState.DOCUMENTS,
    CaseState.REGISTRATION,
    CaseState.FEES,
    CaseState.SIGNING,
    CaseState.HANDOUT,
    CaseState.INSPECTION,
    CaseState.KEYS,
)
"""The steps in the order in which the owner walks them."""

LOOKS = {
    CaseState.DOCUMENTS: Look(CaseState.DOCUMENTS.title, "blue"),
    CaseState.REGISTRATION: Look(CaseState.REGISTRATION.title, "blue"),
    CaseState.FEES: Look(CaseState.FEES.title, "blue"),
    CaseState.SIGNING: Look(CaseState.SIGNING.title, "blue"),
    CaseState.HANDOUT: Look(CaseState.HANDOUT.title, "blue"),
    CaseState.INSPECTION: Look(CaseState.INSPECTION.title, "indigo"),
    CaseState.REFUSED: Look(CaseState.REFUSED.title, "orange"),
    CaseState.KEYS: Look(CaseState.KEYS.title, "indigo"),
    CaseState.COMPLETED: Look(CaseState.COMPLETED.title, "green"),
    CaseState.WITHDRAWN: Look(CaseState.WITHDRAWN.title, "secondary"),
}


class Capacity(Choice):
    """In which capacity the person at the counter acts."""

    OWNER = "owner", _l("Owner in person")
    AGENT = "agent", _l("Agent of the owner")


class PaperGroup(Choice):
    """What kind of paper is checked at the start (MI-05)."""

    NOTICE = "notice", _l("Move-in notice")
    SLIP = "slip", _l("Move-in procedure slip")
    SALES = "sales", _l("Papers of the sales unit")


class CheckResult(Choice):
    PENDING = "pending", _l("Not yet checked")
    PRESENT = "present", _l("In order")
    MISSING = "missing", _l("Missing")
    NOT_NEEDED = "not_needed", _l("Not needed")


class SigningMethod(Choice):
    ON_SCREEN = "on_screen", _l("Signed on screen")
    SCAN = "scan", _l("Signed on paper, scanned")


class ItemResult(Choice):
    """Result of one inspection item (forms A2)."""

    PASS = "pass", _l("Pass")
    FAIL = "fail", _l("Fail")
    NOT_APPLICABLE = "not_applicable", _l("Not applicable")


class Severity(Choice):
    MINOR = "minor", _l("Minor")
    MAJOR = "major", _l("Major")
    AFFECTS_USE = "affects_use", _l("Affects use")
    STRUCTURAL = "structural", _l("Structural safety")


class DefectState(Choice):
    OPEN = "open", _l("To be rectified")
    FIXED = "fixed", _l("Reported rectified")
    VERIFIED = "verified", _l("Re-inspected, passed")


class Conclusion(Choice):
    """Outcome of an inspection round (MI-11)."""

    ACCEPTED = "accepted", _l("Accepted")
    WITH_DEFECTS = "accepted_with_defects", _l("Accepted with defects list")
    REFUSED = "refused", _l("Refused")


class ServiceState(Choice):
    OPEN = "open", _l("To be done")
    DONE = "done", _l("Done")
    CANCELLED = "cancelled", _l("Cancelled")


LISTS = {
    "required_papers": _l("Papers to check"),
    "handout_documents": _l("Documents to hand out"),
    "procedure_steps": _l("Stations of the procedure slip"),
    "entrusted_services": _l("Services"),
    "key_kinds": _l("Kinds of keys"),
    "limits": _l("Rectification limits"),
    "responsible_parties": _l("Responsible parties"),
    "spaces": _l("Spaces"),
    "layouts": _l("Layouts"),
    "trades": _l("Trades"),
    "check_items": _l("Check items"),
}
"""The code lists of the module, by the name stored with their entries."""
