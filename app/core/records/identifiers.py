"""Numbers people are known by: ID number, credit code, phone, plate, postcode; and the cells of an import sheet.

Every function takes what a person typed (full-width letters, spaces, hyphens …), answers the one spelling we store,
and raises :class:`InvalidValue` with a sentence for the screen when the text cannot be such a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_2

T = TypeVar("T")


class InvalidValue(ValueError):
    """The text is not what the field holds; ``sentence`` says why, in the reader's language."""

    def __init__(self, sentence: LazyString) -> None:
        super().__init__(sentence)
        self.sentence = sentence

    def __str__(self) -> str:
        return str(self.sentence)


class Noted(NamedTuple, Generic[T]):
    """A value that was accepted, with a sentence when the reader should look at it again."""

    value: T
    note: LazyString | None = None


class Sex(StrEnum):
    MALE = "male"
    FEMALE = "female"


class IdFacts(NamedTuple):
    birth_date: date
    sex: Sex


_HALF = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " ", 0xFFE5: "¥"}


def halfwidth(text: str) -> str:
    """``text`` with full-width letters, digits, punctuation and spaces made half-width."""
    return text.translate(_HALF)


def compact(text: str) -> str:
    """Half-width capitals without the spaces and dashes people group digits with."""
    return re.sub(r"[\s\-‐-―−]", "", halfwidth(text)).upper()


# --- persons and organisations -----------------------------------------------------------------------------------


def citizen_id(text: str) -> str:
    """The 18-character citizen ID number (GB 11643-1999).

    Address codes are not looked up: abolished counties live on in valid numbers.
    """
    number = compact(text)
    if re.fullmatch(r"[0-9]{15}", number):
        raise InvalidValue(
            _l("This is a 15-digit ID number of the first generation; enter the 18-digit one on the present card.")
        )
    if len(number) != 18:
        raise InvalidValue(_l("An ID number has 18 characters; this one has %(count)s.", count=len(number)))
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        raise InvalidValue(_l("An ID number has 17 digits and then a digit or X."))
    try:
        born = date.fromisoformat(number[6:14])
    except ValueError:
        raise InvalidValue(
            _l("Digits 7 to 14 of the ID number must be a date of birth; %(digits)s is none.", digits=number[6:14])
        ) from None
    if born > datetime.now(UTC).date():
        raise InvalidValue(_l("The date of birth in this ID number lies in the future."))
    if not mod_11_2.is_valid(number):
        raise InvalidValue(_l("The last character does not fit this ID number; please check the digits."))
    return number


def citizen_id_facts(number: str) -> IdFacts:
    """Date of birth and sex that the citizen ID number states (17th digit odd: male)."""
    number = citizen_id(number)
    born = date.fromisoformat(number[6:14])
    return IdFacts(born, Sex.MALE if int(number[16]) % 2 else Sex.FEMALE)


def credit_code(text: str) -> Noted[str]:
    """The unified social credit code (GB 32100-2015), 18 characters.

    A 15-digit registration number, which some individual businesses still hold, is taken with a note.
    """
    code = compact(text)
    if re.fullmatch(r"[0-9]{15}", code):
        return Noted(code, _l("This is an old 15-digit registration number; ask for the 18-character credit code."))
    if len(code) != 18:
        raise InvalidValue(_l("A credit code has 18 characters; this one has %(count)s.", count=len(code)))
    # uscc.validate() refuses the letters that registering authorities such as A, N and Y use
    if not re.fullmatch(r"[0-9A-HJ-NP-RTUWXY]{2}[0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}", code):
        raise InvalidValue(
            _l("A credit code has digits and capital letters without I, O, S, V and Z; characters 3 to 8 are digits.")
        )
    if uscc.calc_check_digit(code[:17]) != code[17]:
        raise InvalidValue(_l("The last character does not fit this credit code; please check it."))
    return Noted(code)


class IdDocument(StrEnum):
    RESIDENT_ID = "resident_id"
    HK_MACAO_PERMIT = "hk_macao_permit"
    TAIWAN_PERMIT = "taiwan_permit"
    HMT_RESIDENCE_PERMIT = "hmt_residence_permit"
    PASSPORT = "passport"
    FOREIGN_PR_CARD = "foreign_pr_card"
    BUSINESS_LICENCE = "business_licence"


def _matching(pattern: str, sentence: LazyString) -> Callable[[str], str]:
    def check(text: str) -> str:
        number = compact(text)
        if not re.fullmatch(pattern, number):
            raise InvalidValue(sentence)
        return number

    return check


def _residence_permit(text: str) -> str:
    number = citizen_id(text)
    if number[:2] not in ("81", "82", "83"):
        raise InvalidValue(
            _l("The number of a residence permit for Hong Kong, Macao and Taiwan residents begins with 81, 82 or 83.")
        )
    return number


def _pr_card(text: str) -> str:
    number = compact(text)
    if re.fullmatch(r"[A-Z]{3}[0-9]{12}", number):  # cards issued before 2023
        return number
    if len(number) != 18 or number[0] != "9":
        raise InvalidValue(
            _l("A permanent residence card number has 18 digits and begins with 9, or has three letters and 12 digits.")
        )
    return citizen_id(number)


_DOCUMENT_CHECKS: dict[IdDocument, Callable[[str], str]] = {
    IdDocument.RESIDENT_ID: citizen_id,
    IdDocument.HK_MACAO_PERMIT: _matching(
        r"[HM][0-9]{8}([0-9]{2})?", _l("A Hong Kong or Macao permit number is H or M and then 8 or 10 digits.")
    ),
    IdDocument.TAIWAN_PERMIT: _matching(
        r"[0-9]{8}|[0-9]{10}(\(?[A-Z]\)?)?", _l("A Taiwan permit number has 8 digits, or 10 digits on older permits.")
    ),
    IdDocument.HMT_RESIDENCE_PERMIT: _residence_permit,
    IdDocument.PASSPORT: _matching(
        r"(?=.*[0-9])[A-Z0-9]{5,15}", _l("A passport number has 5 to 15 letters and digits.")
    ),
    IdDocument.FOREIGN_PR_CARD: _pr_card,
    IdDocument.BUSINESS_LICENCE: lambda text: credit_code(text).value,
}


def id_document(kind: str, number: str) -> str:
    """The number of an identity document of ``kind`` (an :class:`IdDocument` value), as stored."""
    return _DOCUMENT_CHECKS[IdDocument(kind)](number)


# --- phones ------------------------------------------------------------------------------------------------------

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_AREA_CODE = r"0(?:10|2[0-9]|[3-9][0-9]{2})"
_LANDLINE = re.compile(rf"({_AREA_CODE})-?([0-9]{{3,4}})-?([0-9]{{4}})(?:-([0-9]{{1,6}}))?")
_SERVICE = re.compile(r"[48]00[0-9]{7}|9[0-9]{4,5}|1[0-9]{2,4}")
_FOREIGN = re.compile(r"\+[1-9][0-9]{6,14}")


def phone(text: str) -> str:
    """Any phone number as stored.

    Mobile ``13800000000`` · landline ``01012345678`` or with an extension ``01012345678-805`` · service line
    ``4001234567``, ``95588``, ``12345`` · abroad E.164 ``+85261234567``.
    """
    dialled = re.sub(r"[‐-―−]", "-", halfwidth(text).strip().lower())
    dialled = re.sub(r"\s*(?:转|ext\.?|x|#)\s*", "-", dialled)
    dialled = re.sub(r"[\s()./]", "", dialled)
    digits = dialled.replace("-", "")
    if not re.fullmatch(r"\+?[0-9]+", digits):
        raise InvalidValue(_l("A phone number has digits, spaces, hyphens and a leading + only."))
    abroad = re.sub(r"^00", "+", digits)
    if abroad.startswith("+86"):
        dialled = re.sub(r"^(\+|00)86-?", "", dialled)
        if not re.match(r"0|1[3-9]|[48]00|95", dialled):
            dialled = "0" + dialled  # the trunk zero of an area code is left out after +86
        digits = dialled.replace("-", "")
    elif abroad.startswith("+"):
        if _FOREIGN.fullmatch(abroad):
            return abroad
        raise InvalidValue(_l("A number abroad is + with the country code and 7 to 15 digits altogether."))
    elif re.fullmatch(r"86" + _MOBILE.pattern, digits):
        digits = digits[2:]
    if _MOBILE.fullmatch(digits) or _SERVICE.fullmatch(digits):
        return digits
    if landline := _LANDLINE.fullmatch(dialled):
        area_code, first, last, extension = landline.groups()
        return f"{area_code}{first}{last}" + (f"-{extension}" if extension else "")
    raise InvalidValue(_not_a_phone(digits))


def _not_a_phone(digits: str) -> LazyString:
    if re.fullmatch(r"1[3-9][0-9]*", digits) and len(digits) != 11:
        return _l("A mobile number has 11 digits; this one has %(count)s.", count=len(digits))
    if digits.startswith("1"):
        return _l("A mobile number begins with 13 to 19.")
    if digits.startswith("0"):
        return _l("A landline number is the area code and 7 or 8 digits, such as 010-12345678.")
    if len(digits) in (7, 8):
        return _l("Add the area code to this landline number, such as 010-12345678.")
    return _l("This is no phone number we know; a number abroad begins with + and the country code.")


def mobile(text: str) -> str:
    """A mobile number of the mainland, 11 digits."""
    number = re.sub(r"^(\+86|0086|86(?=1[3-9][0-9]{9}$))", "", compact(text))
    if _MOBILE.fullmatch(number):
        return number
    if not number.isdecimal():
        raise InvalidValue(_l("A mobile number has digits only."))
    if len(number) != 11:
        raise InvalidValue(_l("A mobile number has 11 digits; this one has %(count)s.", count=len(number)))
    raise InvalidValue(_l("A mobile number begins with 13 to 19."))


def format_phone(stored: str) -> str:
    """A stored number grouped for reading: ``138 1234 5678``, ``010-12345678-805``, ``400-123-4567``."""
    if _MOBILE.fullmatch(stored):
        return f"{stored[:3]} {stored[3:7]} {stored[7:]}"
    if re.fullmatch(r"[48]00[0-9]{7}", stored):
        return f"{stored[:3]}-{stored[3:6]}-{stored[6:]}"
    if landline := re.fullmatch(rf"({_AREA_CODE})([0-9]{{7,8}}(?:-[0-9]+)?)", stored):
        return "-".join(landline.groups())
    return stored


# --- vehicles and addresses --------------------------------------------------------------------------------------

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
"""The characters with which licence plates begin."""
_PLATE = re.compile(f"[{PROVINCES}][A-HJ-NP-Z][A-HJ-NP-Z0-9]{{4,5}}[A-HJ-NP-Z0-9挂学警港澳]")


def plate(text: str) -> str:
    """A licence plate of the mainland without the dot: ``京A12345``, new energy ``粤BD12345``."""
    number = re.sub(r"[·•‧・.]", "", compact(text))
    if not _PLATE.fullmatch(number):
        raise InvalidValue(
            _l("A licence plate is a province, a letter and five or six letters or digits, such as 京A12345.")
        )
    return number


def postcode(text: str) -> str:
    """A postcode, six digits."""
    code = compact(text)
    if not re.fullmatch(r"[0-9]{6}", code):
        raise InvalidValue(_l("A postcode has six digits."))
    return code


# --- cells of an import sheet ------------------------------------------------------------------------------------


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def area(value: object) -> Noted[Decimal]:
    """A floor area in m², two decimals half-up, from ``89.3``, ``"89.3㎡"`` or ``"８９．３"``; rounding is noted."""
    written = f"{value:.12g}" if isinstance(value, float) else str(value)  # 89.30000000000001 was meant as 89.3
    text = re.sub(r"[\s,]|(㎡|m²|m2|m\^2|平方米|平米|平方|平)$", "", halfwidth(written).strip().lower())
    number = _number(text)
    if number is None:
        raise InvalidValue(_l("“%(text)s” is no area; write square metres such as 89.30.", text=str(value)))
    if not 0 < number < 10_000_000:
        raise InvalidValue(_l("An area is more than 0 and less than 10,000,000 m²."))
    rounded = number.quantize(Decimal("0.01"), ROUND_HALF_UP)
    if not rounded:
        raise InvalidValue(_l("An area is more than 0 and less than 10,000,000 m²."))
    if rounded == number:
        return Noted(rounded)
    return Noted(rounded, _l("%(given)s was rounded to %(rounded)s m².", given=text, rounded=str(rounded)))


def share(value: object) -> Fraction:
    """A share in (0, 1] from ``"50%"``, ``"1/2"``, ``0.5`` or ``"50"``; a number above 1 counts as per cent."""
    text = re.sub(r"\s", "", halfwidth(str(value)))
    try:
        if isinstance(value, float):  # a sheet has 1/3 as 0.333…
            text = str(Fraction(value).limit_denominator(10_000))
        if "/" in text:
            part = Fraction(text)
        else:
            number = Fraction(text.removesuffix("%"))
            part = number / 100 if text.endswith("%") or number > 1 else number
    except (ValueError, OverflowError, ZeroDivisionError):
        raise InvalidValue(_l("“%(text)s” is no share; write 50%% or 1/2.", text=str(value))) from None
    if not 0 < part <= 1:
        raise InvalidValue(_l("A share is more than nothing and at most the whole."))
    return part


_DAY = re.compile(
    r"([0-9]{4})(?:([-/.])([0-9]{1,2})\2([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})[日号]?|([0-9]{2})([0-9]{2}))"
    r"(?:[T ]00:00(?::00(?:\.0+)?)?)?"
)


def day(value: object) -> date:
    """A date from a date cell or ``2026/06/23``, ``2026-6-23``, ``2026.6.23``, ``2026年6月23日``, ``20260623``."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, float) and value.is_integer():  # spreadsheets keep 20260623 as a float
        value = int(value)
    text = halfwidth(str(value)).strip()
    found = _DAY.fullmatch(re.sub(r"\s*([年月日])\s*", r"\1", text))
    if found is None:
        raise InvalidValue(_l("“%(text)s” is no date; write it as 2026-06-23.", text=text))
    year, month, day_of_month = (int(part) for part in found.groups() if part and part.isdecimal())
    try:
        return date(year, month, day_of_month)
    except ValueError:
        raise InvalidValue(_l("%(text)s is not in the calendar.", text=text)) from None
