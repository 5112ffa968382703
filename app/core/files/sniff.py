"""What an uploaded file is, by its content; and images made harmless."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import PurePath

from flask_babel import lazy_gettext as _l
from PIL import Image, ImageOps

from app.core.records.identifiers import InvalidValue

MAX_PIXELS = 40_000_000

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_EXTENSIONS = {
    "application/pdf": ("pdf",),
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/webp": ("webp",),
    _WORD: ("docx",),
    _SHEET: ("xlsx",),
    "image/vnd.dwg": ("dwg",),
    "image/vnd.dxf": ("dxf",),
}
_SIGNATURES = (
    (re.compile(rb"%PDF-[12]\."), "application/pdf"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"AC10[0-9]{2}"), "image/vnd.dwg"),
    (re.compile(rb"AutoCAD Binary DXF\r\n\x1a\0"), "image/vnd.dxf"),
    (re.compile(rb"(?:\s*999\r?\n[^\n]*\n)*\s*0\r?\n\s*SECTION\r?\n"), "image/vnd.dxf"),
)


def media_type(data: bytes, filename: str) -> str:
    """The media type of an uploaded file, by content.

    We keep PDF, PNG, JPEG, WebP, Word and Excel without macros, and DWG/DXF drawings. Raises :class:`InvalidValue` for
    anything else and when the file's extension says otherwise than its content.
    """
    if not data:
        raise InvalidValue(_l("The file is empty."))
    found = next((media for signature, media in _SIGNATURES if signature.match(data)), None) or _office_type(data)
    if found is None:
        raise InvalidValue(_l("This kind of file cannot be kept; use PDF, PNG, JPEG, WebP, DOCX, XLSX, DWG or DXF."))
    extension = PurePath(filename).suffix.lstrip(".").lower()
    if extension not in _EXTENSIONS[found]:
        raise InvalidValue(
            _l(
                "The name “%(name)s” does not fit the content, which is %(kind)s; rename it if it is the right file.",
                name=filename,
                kind=_EXTENSIONS[found][0].upper(),
            )
        )
    return found


def _office_type(data: bytes) -> str | None:
    if not data.startswith(b"PK\3\4"):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None
    if "[Content_Types].xml" not in names or any(name.lower().endswith("vbaproject.bin") for name in names):
        return None
    if "word/document.xml" in names:
        return _WORD
    return _SHEET if "xl/workbook.xml" in names else None


def reencode_image(data: bytes) -> bytes:
    """The picture of a PNG, JPEG or WebP file written anew in the same format: upright, one frame, no metadata.

    Camera data such as the place go, and so does whatever was hidden behind the picture. Raises :class:`InvalidValue`
    for a damaged image or one of more than 40 megapixels.
    """
    too_large = _l("This image is too large; 40 megapixels are the limit.")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as source:
            kind = source.format
            if source.width * source.height > MAX_PIXELS:
                raise InvalidValue(too_large)
            image = ImageOps.exif_transpose(source)
            image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InvalidValue(too_large) from None
    except InvalidValue:
        raise
    except Exception:  # Pillow lets anything escape on a damaged file
        raise InvalidValue(_l("This image is damaged and cannot be read.")) from None
    if kind == "JPEG":
        image = image.convert("L" if image.mode == "L" else "RGB")
    elif image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode not in ("1", "L", "RGB"):
        image = image.convert("RGB")
    image.info = {}
    written = io.BytesIO()
    image.save(written, kind, **({} if kind == "PNG" else {"quality": 90}))
    return written.getvalue()
