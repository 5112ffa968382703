"""Money and areas: exact values, and how they are written in figures and in words.

Money is ``Decimal`` yuan with two decimals, rounded half-up, as ``Numeric(12, 2)`` holds it. Never a float.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from flask_babel import lazy_gettext as _l

from app.core.records.identifiers import InvalidValue, halfwidth

CENT = Decimal("0.01")
LIMIT = Decimal(10) ** 10

_DIGITS_ZH = "零壹贰叁肆伍陆柒捌玖"
_UNITS_ZH = ((10**8, "亿"), (10**4, "万"), (1000, "仟"), (100, "佰"), (10, "拾"))
_BELOW_TWENTY = (
    "Zero One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve Thirteen Fourteen Fifteen Sixteen "
    "Seventeen Eighteen Nineteen"
).split()
_TENS = "Twenty Thirty Forty Fifty Sixty Seventy Eighty Ninety".split()


def money(value: Decimal | int | str) -> Decimal:
    """``value`` in yuan, two decimals half-up; text may read ``¥1,409.5`` or ``１４０９．５０元``.

    Raises ``TypeError`` for a float (it has lost the exact amount already) and :class:`InvalidValue` for text that
    is no amount or an amount of ten thousand million and more.
    """
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, str)):
        raise TypeError(f"money is Decimal, int or str, not {type(value).__name__}")
    if isinstance(value, str):
        amount = _read(value)
    else:
        amount = Decimal(value)
    if not amount.is_finite() or abs(amount) >= LIMIT:
        raise InvalidValue(_l("An amount must be below 10,000,000,000."))
    rounded = amount.quantize(CENT, ROUND_HALF_UP)
    if abs(rounded) >= LIMIT:
        raise InvalidValue(_l("An amount must be below 10,000,000,000."))
    return abs(rounded) if not rounded else rounded  # no negative zero


def _read(text: str) -> Decimal:
    figures = re.sub(r"^(-?)(?:¥|RMB|CNY)|[\s]|元$", r"\1", halfwidth(text).strip().replace("−", "-"), flags=re.I)
    try:
        if re.fullmatch(r"-?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]*)?", figures):
            return Decimal(figures.replace(",", ""))
    except InvalidOperation:
        pass
    raise InvalidValue(_l("“%(text)s” is no amount; write it as 1,409.50.", text=text))


def format_money(amount: Decimal | int) -> str:
    """``¥1,409.50``; a refund ``-¥120.30``."""
    value = money(amount)
    return f"{'-' if value < 0 else ''}¥{abs(value):,.2f}"


def format_area(area: Decimal) -> str:
    """``89.30 m²``."""
    return f"{area.quantize(CENT, ROUND_HALF_UP):,} m²"


def in_words_zh(amount: Decimal | int | str) -> str:
    """The amount in Chinese capitals as a receipt needs it (rules for filling in bills, 银发〔1997〕393号).

    整 always follows 元 and 角; 零 stands after 元 whenever the yuan end in 0 or there is no 角.
    """
    yuan, jiao, fen, minus = _parts(amount)
    words = "人民币" + ("负" if minus else "")
    if yuan or not (jiao or fen):
        words += _count_zh(yuan) + "元"
    if yuan and (jiao or fen) and (yuan % 10 == 0 or not jiao):
        words += "零"
    if jiao:
        words += _DIGITS_ZH[jiao] + "角"
    return words + (_DIGITS_ZH[fen] + "分" if fen else "整")


def in_words_en(amount: Decimal | int | str) -> str:
    """The amount in English words, a reading aid beside the Chinese: ``RMB Fifteen Yuan and Five Fen``."""
    yuan, jiao, fen, minus = _parts(amount)
    fen += 10 * jiao
    parts = []
    if yuan or not fen:
        parts.append(f"{_count_en(yuan)} Yuan")
    if fen:
        parts.append(f"{_count_en(fen)} Fen")
    return f"RMB {'Minus ' if minus else ''}{' and '.join(parts)}{'' if fen else ' Only'}"


def bill_date_zh(day: date) -> str:
    """A date as banks want it on a bill: 2026-02-10 → 贰零贰陆年零贰月零壹拾日."""
    year = "".join(_DIGITS_ZH[int(digit)] for digit in f"{day.year:04}")
    month = ("零" if day.month in (1, 2, 10) else "") + _count_zh(day.month)
    day_of_month = ("零" if day.day < 10 or day.day % 10 == 0 else "") + _count_zh(day.day)
    return f"{year}年{month}月{day_of_month}日"


def _parts(amount: Decimal | int | str) -> tuple[int, int, int, bool]:
    value = money(amount)
    yuan, cents = divmod(int(abs(value) * 100), 100)
    return yuan, cents // 10, cents % 10, value < 0


def _count_zh(number: int) -> str:
    for value, unit in _UNITS_ZH:
        if number >= value:
            count, rest = divmod(number, value)
            gap = "零" if 0 < rest < value // 10 else ""
            return _count_zh(count) + unit + gap + (_count_zh(rest) if rest else "")
    return _DIGITS_ZH[number]


def _count_en(number: int) -> str:
    for value, unit in ((10**9, "Billion"), (10**6, "Million"), (1000, "Thousand")):
        if number >= value:
            count, rest = divmod(number, value)
            gap = " and " if 0 < rest < 100 else " "
            return f"{_count_en(count)} {unit}" + (gap + _count_en(rest) if rest else "")
    if number >= 100:
        hundreds, rest = divmod(number, 100)
        return f"{_BELOW_TWENTY[hundreds]} Hundred" + (f" and {_count_en(rest)}" if rest else "")
    if number >= 20:
        tens, rest = divmod(number, 10)
        return _TENS[tens - 2] + (f"-{_BELOW_TWENTY[rest]}" if rest else "")
    return _BELOW_TWENTY[number]
