"""Very many PDF files as one, written to disk as they come: what is the same in several of them is stored once.

Sheets of one form share their laid-out page, fonts and drawings, so a thousand packs take little more than the values
that differ. In memory there is only one digest for every object written.
"""

from __future__ import annotations

import hashlib
import io
from typing import BinaryIO

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Stream

LEFT_OUT = {"/Parent", "/StructParents", "/Tabs", "/Annots", "/B", "/Length"}
"""Keys of a page or stream that lead out of it or are written anew. Papers have no annotations."""


class Merged:
    """A PDF in the making in ``file``, with a bookmark for each file that is added."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._offsets: list[int] = []
        self._known: dict[bytes, int] = {}
        self._pages: list[int] = []
        self._marks: list[tuple[str, int]] = []
        file.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        self._catalog, self._tree = self._number(), self._number()

    def add(self, pdf: bytes, title: str) -> None:
        """The pages of ``pdf`` after those before, under the bookmark ``title``."""
        with pikepdf.open(io.BytesIO(pdf)) as source:
            met: dict[tuple[int, int], int] = {}
            for number, page in enumerate(source.pages):
                written = self._direct(page.obj, met, f" /Parent {self._tree} 0 R".encode())
                self._pages.append(self._write(written))
                if number == 0:
                    self._marks.append((title, self._pages[-1]))

    def close(self) -> None:
        """Write what holds the pages together; the file is complete afterwards."""
        kids = b" ".join(b"%d 0 R" % page for page in self._pages)
        self._write(b"<< /Type /Pages /Count %d /Kids [ %s ] >>" % (len(self._pages), kids), self._tree)
        outlines = self._outlines()
        catalog = b"<< /Type /Catalog /Pages %d 0 R /Outlines %d 0 R /PageMode /UseOutlines >>" % (self._tree, outlines)
        self._write(catalog, self._catalog)
        start = self._file.tell()
        self._file.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(self._offsets) + 1))
        self._file.writelines(b"%010d 00000 n \n" % offset for offset in self._offsets)
        trailer = b"trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        self._file.write(trailer % (len(self._offsets) + 1, self._catalog, start))

    def _outlines(self) -> int:
        root, numbers = self._number(), [self._number() for _mark in self._marks]
        for at, (number, (title, page)) in enumerate(zip(numbers, self._marks, strict=True)):
            beside = b"".join(
                b" /%s %d 0 R" % (name, numbers[other])
                for name, other in ((b"Prev", at - 1), (b"Next", at + 1))
                if 0 <= other < len(numbers)
            )
            text = pikepdf.String(title).unparse()
            self._write(b"<< /Title %s /Parent %d 0 R /Dest [ %d 0 R /Fit ]%s >>" % (text, root, page, beside), number)
        ends = b" /First %d 0 R /Last %d 0 R" % (numbers[0], numbers[-1]) if numbers else b""
        self._write(b"<< /Type /Outlines /Count %d%s >>" % (len(numbers), ends), root)
        return root

    def _number(self) -> int:
        self._offsets.append(0)
        return len(self._offsets)

    def _write(self, body: bytes, number: int = 0) -> int:
        number = number or self._number()
        self._offsets[number - 1] = self._file.tell()
        self._file.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        return number

    def _reference(self, found: Object, met: dict[tuple[int, int], int]) -> bytes:
        """The number under which an indirect object of a source stands here; written now unless its like was before."""
        number = met.get(found.objgen)
        if number is None:
            body = _closed(found) or self._direct(found, met)
            digest = hashlib.sha256(body).digest()
            number = self._known.get(digest)
            if number is None:
                number = self._known[digest] = self._write(body)
            met[found.objgen] = number
        return b"%d 0 R" % number

    def _direct(self, found: Object, met: dict[tuple[int, int], int], more: bytes = b"") -> bytes:
        """An object as it is written, with the numbers its parts have here."""
        if isinstance(found, Stream):
            raw = found.read_raw_bytes()
            entries = self._entries(found.stream_dict, met)
            return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(raw), raw)
        if isinstance(found, Dictionary):
            return b"<< %s%s >>" % (self._entries(found, met), more)
        if isinstance(found, Array):
            return b"[ %s ]" % b" ".join(self._value(item, met) for item in found)
        return found.unparse()

    def _entries(self, found: Dictionary, met: dict[tuple[int, int], int]) -> bytes:
        return b" ".join(
            Name(key).unparse() + b" " + self._value(value, met)
            for key, value in sorted(found.items())
            if key not in LEFT_OUT
        )

    def _value(self, found: object, met: dict[tuple[int, int], int]) -> bytes:
        if isinstance(found, Object):
            return self._reference(found, met) if found.is_indirect else _closed(found) or self._direct(found, met)
        return _plain(found)


def _closed(found: Object) -> bytes:
    """An object that refers to no other, as it is written; nothing for those that do."""
    stream = isinstance(found, Stream)
    written = (found.stream_dict if stream else found).unparse(resolved=True)
    if b" R" in written:
        return b""
    return b"%s\nstream\n%s\nendstream" % (written, found.read_raw_bytes()) if stream else written


def _plain(value: object) -> bytes:
    """A number, truth value or nothing as PDF writes it."""
    if value is None:
        return b"null"
    return (
        str(value).lower().encode()
        if isinstance(value, bool)
        else format(value, "f" if isinstance(value, float) else "").encode()
    )
