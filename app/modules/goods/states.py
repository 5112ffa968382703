"""Closed lists of goods releases (forms F3)."""

from flask_babel import lazy_gettext as _l

from app.core.records.choices import Choice


class ReleaseState(Choice):
    ENTERED = "entered", _l("Entered, not issued"), "secondary"
    ISSUED = "issued", _l("Issued, waiting at the gate"), "blue"
    RELEASED = "released", _l("Released at the gate"), "green"
    EXPIRED = "expired", _l("Expired"), "orange"
    CANCELLED = "cancelled", _l("Cancelled"), "secondary"


class Applicant(Choice):
    OWNER = "owner", _l("Owner")
    AUTHORISED = "authorised", _l("Authorised by the owner")
    TENANT = "tenant", _l("Tenant")
    CONTRACTOR = "contractor", _l("Renovation contractor")


class Confirmation(Choice):
    """How the owner said yes."""

    SIGNATURE = "signature", _l("Owner's signature")
    PHONE = "phone", _l("By telephone")
    AUTHORISATION = "authorisation", _l("Written authorisation")


class Reason(Choice):
    MOVING_OUT = "moving_out", _l("Moving out")
    MATERIAL = "material", _l("Renovation material")
    REPAIR = "repair", _l("Repair outside")
    END_OF_TENANCY = "end_of_tenancy", _l("End of tenancy")
