"""Closed lists of checks, findings, rectification notices and corrective or preventive actions."""

from flask_babel import lazy_gettext as _l

from app.core.records.choices import Choice
from app.core.workflow.table import Look


class CheckState(Choice):
    DRAWN = "drawn", _l("Drawn")
    UNDER_WAY = "under_way", _l("Under way")
    CONCLUDED = "concluded", _l("Concluded")
    WITHDRAWN = "withdrawn", _l("Withdrawn")


class SampleResult(Choice):
    """What the check of one record found."""

    OK = "ok", _l("Found in order")
    FINDING = "finding", _l("Finding")
    NOT_APPLICABLE = "not_applicable", _l("Not applicable")


class Severity(Choice):
    MINOR = "minor", _l("Minor")
    MAJOR = "major", _l("Major")
    CRITICAL = "critical", _l("Critical")


class NoticeState(Choice):
    """Where a written rectification notice stands (F18)."""

    DRAFT = "draft", _l("Draft")
    SERVED = "served", _l("Served, being rectified")
    ANSWERED = "answered", _l("Answered, to be verified")
    CLOSED = "closed", _l("Verified and closed")
    WITHDRAWN = "withdrawn", _l("Withdrawn")


class ActionState(Choice):
    """Where a corrective or preventive action stands (F33)."""

    OPEN = "open", _l("Cause to be found")
    ANALYSED = "analysed", _l("Cause found, measures to be agreed")
    AGREED = "agreed", _l("Measures under way")
    DONE = "done", _l("Measures done, to be verified")
    VERIFIED = "verified", _l("Verified, effect to be judged")
    EFFECTIVE = "effective", _l("Effective, closed")
    REISSUED = "reissued", _l("Not effective, reissued")
    WITHDRAWN = "withdrawn", _l("Withdrawn")


ENDED = (ActionState.EFFECTIVE, ActionState.REISSUED, ActionState.WITHDRAWN)
"""States of an action that no longer runs."""


class ActionType(Choice):
    CORRECTIVE = "corrective", _l("Corrective")
    PREVENTIVE = "preventive", _l("Preventive")


class ActionSource(Choice):
    """What gave rise to the action (forms D6)."""

    COMPLAINT = "complaint", _l("Complaint")
    SURVEY = "survey", _l("Owner assessment form")
    CHECK = "check", _l("Patrol or spot check")
    AUDIT = "audit", _l("Internal audit")
    REPEATED = "repeated", _l("Repeated occurrence")


class Bone(Choice):
    """The bones of the cause-and-effect diagram, and measurement as an optional sixth (rules §8.2)."""

    PEOPLE = "people", _l("People")
    EQUIPMENT = "equipment", _l("Equipment")
    MATERIAL = "material", _l("Material")
    METHOD = "method", _l("Methods")
    ENVIRONMENT = "environment", _l("Environment")
    MEASUREMENT = "measurement", _l("Measurement")


CHECK_LOOKS = {
    CheckState.DRAWN: Look(CheckState.DRAWN.title, "blue"),
    CheckState.UNDER_WAY: Look(CheckState.UNDER_WAY.title, "indigo"),
    CheckState.CONCLUDED: Look(CheckState.CONCLUDED.title, "green"),
    CheckState.WITHDRAWN: Look(CheckState.WITHDRAWN.title, "secondary"),
}
NOTICE_LOOKS = {
    NoticeState.DRAFT: Look(NoticeState.DRAFT.title, "secondary"),
    NoticeState.SERVED: Look(NoticeState.SERVED.title, "orange"),
    NoticeState.ANSWERED: Look(NoticeState.ANSWERED.title, "blue"),
    NoticeState.CLOSED: Look(NoticeState.CLOSED.title, "green"),
    NoticeState.WITHDRAWN: Look(NoticeState.WITHDRAWN.title, "secondary"),
}
ACTION_LOOKS = {
    ActionState.OPEN: Look(ActionState.OPEN.title, "orange"),
    ActionState.ANALYSED: Look(ActionState.ANALYSED.title, "yellow"),
    ActionState.AGREED: Look(ActionState.AGREED.title, "blue"),
    ActionState.DONE: Look(ActionState.DONE.title, "indigo"),
    ActionState.VERIFIED: Look(ActionState.VERIFIED.title, "indigo"),
    ActionState.EFFECTIVE: Look(ActionState.EFFECTIVE.title, "green"),
    ActionState.REISSUED: Look(ActionState.REISSUED.title, "red"),
    ActionState.WITHDRAWN: Look(ActionState.WITHDRAWN.title, "secondary"),
}
RESULT_COLOURS = {SampleResult.OK: "green", SampleResult.FINDING: "orange", SampleResult.NOT_APPLICABLE: "secondary"}
SEVERITY_COLOURS = {Severity.MINOR: "yellow", Severity.MAJOR: "orange", Severity.CRITICAL: "red"}
