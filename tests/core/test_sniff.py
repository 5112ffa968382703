"""Uploads are what their content says, and images come out clean."""

import io
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.core.files import sniff
from app.core.files.sniff import media_type, reencode_image
from app.core.records.identifiers import InvalidValue


def picture(kind: str, mode: str = "RGB", size: tuple[int, int] = (6, 4), **options) -> bytes:
    data = io.BytesIO()
    Image.new(mode, size).save(data, kind, **options)
    return data.getvalue()


def package(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return data.getvalue()


def workbook() -> bytes:
    data = io.BytesIO()
    openpyxl.Workbook().save(data)
    return data.getvalue()


WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ACCEPTED = [
    (b"%PDF-1.7\n%...", "身份证.pdf", "application/pdf"),
    (picture("PNG"), "a.PNG", "image/png"),
    (picture("JPEG"), "a.jpg", "image/jpeg"),
    (picture("JPEG"), "a.jpeg", "image/jpeg"),
    (picture("WEBP"), "a.webp", "image/webp"),
    (workbook(), "owners.xlsx", SHEET),
    (package("[Content_Types].xml", "word/document.xml"), "letter.docx", WORD),
    (b"AC1027\0\0\0\0\0\0", "plan.dwg", "image/vnd.dwg"),
    (b"  0\r\nSECTION\r\n  2\r\nHEADER\r\n", "plan.dxf", "image/vnd.dxf"),
    (b"999\nmade by hand\n0\nSECTION\n2\nHEADER\n", "plan.dxf", "image/vnd.dxf"),
    (b"AutoCAD Binary DXF\r\n\x1a\0...", "plan.dxf", "image/vnd.dxf"),
]


@pytest.mark.parametrize(("data", "name", "media"), ACCEPTED)
def test_accepted(data, name, media):
    assert media_type(data, name) == media


@pytest.mark.parametrize(("data", "name", "_media"), ACCEPTED)
@pytest.mark.parametrize("wrong", ["a.html", "a.exe", "a", "a.pdf.svg"])
def test_the_name_must_fit(data, name, _media, wrong):
    with pytest.raises(InvalidValue, match="does not fit the content"):
        media_type(data, wrong)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"<html><script>alert(1)</script>", "a.pdf"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "a.png"),
        (b"MZ\x90\0", "a.jpg"),
        (b"GIF89a", "a.gif"),
        (b"PK\3\4 broken", "a.xlsx"),
        (package("a.txt"), "a.docx"),
        (package("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"), "a.xlsx"),
        (b"junk %PDF-1.7", "a.pdf"),
    ],
)
def test_other_content_is_refused(data, name):
    with pytest.raises(InvalidValue, match="cannot be kept"):
        media_type(data, name)


def test_an_empty_file_is_refused():
    with pytest.raises(InvalidValue, match="empty"):
        media_type(b"", "a.pdf")


@given(st.binary(max_size=200), st.sampled_from([b"", b"PK\3\4", b"%PDF-1.4", b"RIFF", b"\xff\xd8\xff"]))
def test_any_bytes_are_named_or_refused(data, start):
    try:
        assert media_type(start + data, "a.pdf") == "application/pdf"
    except InvalidValue:
        pass


def test_metadata_goes_and_the_picture_stays_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn 90° clockwise to view
    exif[0x010E] = "at home"
    clean = Image.open(io.BytesIO(reencode_image(picture("JPEG", exif=exif, comment=b"at home"))))
    assert (clean.format, clean.size) == ("JPEG", (4, 6))
    assert not clean.getexif()
    assert b"at home" not in reencode_image(picture("JPEG", exif=exif, comment=b"at home"))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_hides_behind_the_picture_goes(kind):
    data = picture(kind, "RGBA") + b"<script>"
    clean = reencode_image(data)
    assert b"<script>" not in clean
    assert Image.open(io.BytesIO(clean)).mode == "RGBA"


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "CMYK"), ("JPEG", "L"), ("PNG", "P"), ("PNG", "1"), ("PNG", "LA"), ("PNG", "I;16")]
)
def test_all_colour_modes(kind, mode):
    clean = Image.open(io.BytesIO(reencode_image(picture(kind, mode))))
    assert (clean.format, clean.size) == (kind, (6, 4))


def test_too_many_pixels(monkeypatch):
    monkeypatch.setattr(sniff, "MAX_PIXELS", 23)
    with pytest.raises(InvalidValue, match="40 megapixels"):
        reencode_image(picture("PNG"))


@pytest.mark.parametrize("size", [(9000, 9000), (11000, 11000), (20000, 10000)])
def test_a_small_file_of_many_pixels(size):
    with pytest.raises(InvalidValue, match="40 megapixels"):
        reencode_image(picture("PNG", "1", size))


@pytest.mark.parametrize("data", [b"", b"nonsense", picture("PNG")[:-30], picture("GIF"), picture("WEBP")[:-8]])
def test_a_damaged_image(data):
    with pytest.raises(InvalidValue, match="damaged"):
        reencode_image(data)


@given(st.sampled_from([picture("PNG"), picture("JPEG"), picture("WEBP")]), st.integers(0, 400), st.integers(0, 255))
def test_one_wrong_byte_never_breaks_the_desk(data, place, byte):
    place %= len(data)
    try:
        reencode_image(data[:place] + bytes([byte]) + data[place + 1 :])
    except InvalidValue:
        pass
