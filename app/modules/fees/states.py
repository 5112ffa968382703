"""Closed lists of fee items, bills and payments."""

from flask_babel import lazy_gettext as _l

from app.core.records.choices import Choice
from app.core.workflow.table import Look


class FeeKind(Choice):
    """Whose money it is (forms A8)."""

    SERVICE_INCOME = "service_income", _l("Service income")
    ON_BEHALF = "collected_on_behalf", _l("Collection on behalf")
    DEPOSIT = "deposit", _l("Deposit")
    COST_FEE = "cost_fee", _l("Cost fee")


class FeeBasis(Choice):
    """What the rate is multiplied with."""

    GFA_MONTH = "gfa_month", _l("Per m² gross floor area and month")
    GFA = "gfa", _l("Per m² gross floor area")
    UNIT = "unit", _l("Per unit")
    PIECE = "piece", _l("Per piece")
    TIME = "time", _l("Per time")
    METER = "meter", _l("Per meter")
    BAY_MONTH = "bay_month", _l("Per parking bay and month")


MONTHLY = (FeeBasis.GFA_MONTH, FeeBasis.BAY_MONTH)


class PaymentMethod(Choice):
    CASH = "cash", _l("Cash")
    TRANSFER = "transfer", _l("Bank transfer")
    POS = "pos", _l("POS card")
    WECHAT = "wechat", _l("WeChat Pay")
    ALIPAY = "alipay", _l("Alipay")
    DIRECT_DEBIT = "direct_debit", _l("Direct debit")


UNPAID = Look(_l("Unpaid"), "orange")
PARTLY_PAID = Look(_l("Partly paid"), "yellow")
PAID = Look(_l("Paid"), "green")
CANCELLED = Look(_l("Cancelled"), "secondary")
