"""Closed lists of renovations (forms C1–C9; RN-01 … RN-17)."""

from flask_babel import lazy_gettext as _l

from app.core.records.choices import Choice


class RenovationState(Choice):
    """Where a renovation stands, from the application to the archive (forms C1)."""

    DRAFT = "draft", _l("Draft"), "secondary"
    INTAKE = "intake", _l("Submitted, intake check"), "blue"
    RETURNED = "returned", _l("Returned for correction"), "orange"
    TECHNICAL = "technical", _l("Technical review"), "blue"
    APPROVAL = "approval", _l("Manager's review"), "blue"
    PAYMENT = "payment", _l("Awaiting payment"), "cyan"
    PASSES = "passes", _l("Awaiting passes"), "cyan"
    UNDER_WAY = "under_way", _l("Work under way"), "green"
    SUSPENDED = "suspended", _l("Stopped"), "red"
    ACCEPTANCE = "acceptance", _l("Awaiting acceptance"), "blue"
    RECTIFICATION = "rectification", _l("To be rectified after inspection"), "orange"
    ACCEPTED = "accepted", _l("Renovation accepted"), "green"
    SETTLED = "settled", _l("Settled"), "green"
    ARCHIVED = "archived", _l("Archived"), "secondary"
    REJECTED = "rejected", _l("Rejected"), "red"
    WITHDRAWN = "withdrawn", _l("Withdrawn"), "secondary"


EDITABLE = (RenovationState.DRAFT, RenovationState.RETURNED)
"""States in which the application itself can be changed."""
REVIEWED = (RenovationState.INTAKE, RenovationState.TECHNICAL, RenovationState.APPROVAL)
HANDED_IN = (*EDITABLE, RenovationState.INTAKE)
"""States in which the papers of the application are handed in."""
SITE = (RenovationState.UNDER_WAY, RenovationState.SUSPENDED, RenovationState.ACCEPTANCE, RenovationState.RECTIFICATION)
"""States of an active site: workers may be there, patrols go there."""
DONE = (RenovationState.ACCEPTED, RenovationState.SETTLED, RenovationState.ARCHIVED)
ENDED = (*DONE, RenovationState.REJECTED, RenovationState.WITHDRAWN)
PERMITTED = (RenovationState.PASSES, *SITE)
"""States in which the permit runs."""
WITH_PERMIT = (*PERMITTED, *DONE)
APPROVED = (RenovationState.PAYMENT, *WITH_PERMIT)
"""States that only an approved application reaches."""


class Capacity(Choice):
    OWNER = "owner", _l("Owner")
    OCCUPANT = "occupant", _l("Occupant, with the owner's consent")


class Mode(Choice):
    COMPANY = "company", _l("By a renovation company")
    SELF = "self", _l("Self-organised")


class Extent(Choice):
    WHOLE = "whole", _l("Whole unit")
    PARTIAL = "partial", _l("Part of the unit")
    REFURBISHMENT = "refurbishment", _l("Refurbishment")


class Step(Choice):
    """Where an opinion was given (sources C10)."""

    INTAKE = "intake", _l("Intake check")
    TECHNICAL = "technical", _l("Technical review")
    APPROVAL = "approval", _l("Manager's review")


class Verdict(Choice):
    APPROVE = "approve", _l("Approve"), "green"
    CONDITIONS = "conditions", _l("Approve with conditions"), "yellow"
    RETURN = "return", _l("Return for correction"), "orange"
    REJECT = "reject", _l("Reject"), "red"


class Delivery(Choice):
    """How the owner got the copy of the decision, or a notice (forms C6)."""

    IN_PERSON = "in_person", _l("In person")
    POSTED = "posted", _l("Posted on the door")
    MAIL = "mail", _l("By mail")
    MESSAGE = "message", _l("WeChat or text message")


class Trade(Choice):
    PLUMBING_ELECTRIC = "plumbing_electric", _l("Plumbing and electric work")
    MASONRY = "masonry", _l("Masonry")
    CARPENTRY = "carpentry", _l("Carpentry")
    PAINTING = "painting", _l("Painting")
    WATERPROOFING = "waterproofing", _l("Waterproofing")
    INSTALLATION = "installation", _l("Installation")
    WELDING = "welding", _l("Welding and hot work")
    CLEANING = "cleaning", _l("Cleaning")
    CARRYING = "carrying", _l("Carrying")
    OTHER = "other", _l("Other trade")


CERTIFIED = (Trade.PLUMBING_ELECTRIC, Trade.WELDING)
"""Special trades: workers show a certificate that is in force (Fire Protection Law art. 21)."""


class WorkerState(Choice):
    REGISTERED = "registered", _l("Registered, to be verified"), "blue"
    VERIFIED = "verified", _l("Document verified"), "green"
    REFUSED = "refused", _l("Refused"), "red"
    LEFT = "left", _l("Left the site"), "secondary"


class Conduct(Choice):
    """Lines of the worker management record (forms C7)."""

    BRIEFING = "briefing", _l("Briefing"), "blue"
    ENTRY = "entry", _l("Entry"), "green"
    EXIT = "exit", _l("Exit"), "secondary"
    MISCONDUCT = "misconduct", _l("Misconduct"), "red"


NOTED = (Conduct.BRIEFING, Conduct.MISCONDUCT)
"""Lines that the staff writes; entries and exits are noted at the gate, where the pass is looked at (RN-11)."""


class PassKind(Choice):
    FIRST = "first", _l("First pass")
    EXTENSION = "extension", _l("Extension")
    REPLACEMENT = "replacement", _l("Replacement of a lost pass")


class PassState(Choice):
    VALID = "valid", _l("Valid"), "green"
    REPLACED = "replaced", _l("Replaced by a new one"), "secondary"
    EXPIRED = "expired", _l("Expired"), "orange"
    LOST = "lost", _l("Reported lost"), "red"
    REVOKED = "revoked", _l("Revoked"), "red"
    RETURNED = "returned", _l("Returned"), "secondary"


OUT = (PassState.VALID, PassState.EXPIRED, PassState.REVOKED)
"""Passes that somebody still has to hand back."""
FOLLOWED = (PassState.VALID, PassState.EXPIRED, PassState.LOST)
"""Passes that can be extended, or replaced once they are reported lost."""


class RoundHalf(Choice):
    """The two rounds of a day (RN-09)."""

    MORNING = "morning", _l("Morning round")
    AFTERNOON = "afternoon", _l("Afternoon round")


class Stage(Choice):
    """What is being done on the site (forms C5)."""

    DEMOLITION = "demolition", _l("Demolition")
    PLUMBING_ELECTRIC = "plumbing_electric", _l("Plumbing and electric work")
    MASONRY = "masonry", _l("Masonry")
    CARPENTRY = "carpentry", _l("Carpentry")
    PAINTING = "painting", _l("Painting")
    INSTALLATION = "installation", _l("Installation")
    CLEANING = "cleaning", _l("Cleaning")
    NOBODY = "nobody", _l("Nobody there")
    REFUSED = "refused", _l("Entry refused")
    FINISHED = "finished", _l("Finished")


class PointResult(Choice):
    OK = "ok", _l("Conforms"), "green"
    VIOLATION = "violation", _l("Violation"), "red"
    NOT_APPLICABLE = "not_applicable", _l("Not applicable"), "secondary"


class PatrolAction(Choice):
    NONE = "none", _l("No action needed")
    VERBAL = "verbal", _l("Corrected verbally")
    NOTICE = "notice", _l("Violation rectification notice")
    STOP_WORK = "stop_work", _l("Stop-work")
    REPORT = "report", _l("Report to the authority")


class ViolationState(Choice):
    ISSUED = "issued", _l("Issued, to be served"), "orange"
    SERVED = "served", _l("Served, to be rectified"), "orange"
    CLEARED = "cleared", _l("Cleared at the re-check"), "green"
    OVERDUE = "overdue", _l("Not rectified in time"), "red"
    REPORTED = "reported", _l("Reported to the authority"), "red"
    WITHDRAWN = "withdrawn", _l("Withdrawn"), "secondary"


OPEN_VIOLATIONS = (ViolationState.ISSUED, ViolationState.SERVED, ViolationState.OVERDUE, ViolationState.REPORTED)


class InspectionRound(Choice):
    FIRST = "first", _l("Completion inspection")
    SECOND = "second", _l("Second inspection after the occupancy period")


class InspectionResult(Choice):
    PASSED = "passed", _l("Passed"), "green"
    FAILED = "failed", _l("Failed, to be rectified"), "orange"


class SettlementState(Choice):
    DRAFT = "draft", _l("Settlement being drawn up"), "secondary"
    CHECKED = "checked", _l("Checked by the supervisor"), "blue"
    APPROVED = "approved", _l("Approved by the manager"), "cyan"
    PAID = "paid", _l("Refunded"), "green"
