"""The counter enters and issues passes, security checks them at the gate."""

from app.core.access.roles import COUNTER, OFFICE, Grants, Role

GRANTS: Grants = {
    "GoodsRelease": {
        "read": (*OFFICE, Role.SECURITY),
        "create update issue print": COUNTER,
        "check": (Role.SECURITY,),
    }
}
