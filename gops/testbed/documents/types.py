"""The type of a file by what is in it. A name or a declared type that says something else is refused.

PDF (ISO 32000), PNG, JPEG, GIF, WebP, OOXML (ECMA-376), OpenDocument, HWPX (OWPML, KS X 6101), HWP 5, and the older
doc, xls and ppt ([MS-DOC], [MS-XLS], [MS-PPT]). Containers, ZIP and compound files, are recognised by their
directories; nothing but a ``mimetype`` of a few bytes is unpacked. Macros are refused where the directory, or in ppt a
record, shows them.
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Mapping
from typing import BinaryIO

from gops.accounts.checks import shown
from gops.errors import Invalid
from gops.testbed.documents import compound

ENDINGS: Mapping[str, tuple[str, ...]] = {
    "application/pdf": ("pdf",),
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/gif": ("gif",),
    "image/webp": ("webp",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("xlsx",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ("pptx",),
    "application/vnd.oasis.opendocument.text": ("odt",),
    "application/vnd.oasis.opendocument.spreadsheet": ("ods",),
    "application/vnd.oasis.opendocument.presentation": ("odp",),
    "application/msword": ("doc",),
    "application/vnd.ms-excel": ("xls",),
    "application/vnd.ms-powerpoint": ("ppt",),
    "application/hwp+zip": ("hwpx",),
    "application/x-hwp": ("hwp",),
}
"""Media type -> endings of names."""
SAME: Mapping[str, str] = {
    "application/haansofthwp": "application/x-hwp",
    "application/haansofthwpx": "application/hwp+zip",
    "application/haansoftdoc": "application/msword",
    "application/haansoftxls": "application/vnd.ms-excel",
    "application/haansoftppt": "application/vnd.ms-powerpoint",
    "application/vnd.hancom.hwp": "application/x-hwp",
    "application/vnd.hancom.hwpx": "application/hwp+zip",
    "image/jpg": "image/jpeg",
}
"""Other names that programs have for a type."""
UNSAID = ("", "application/octet-stream", "application/zip")
EXPECTED = "a PDF, PNG, JPEG, GIF, WebP, docx, xlsx, pptx, doc, xls, ppt, odt, ods, odp, hwp or hwpx file"
HEAD_BYTES = 1024
DIRECTORY_BYTES = 2 << 20  # of a ZIP file: some 40,000 entries
_MAIN_PARTS = {"word/document.xml": "docx", "xl/workbook.xml": "xlsx", "ppt/presentation.xml": "pptx"}
_END = b"PK\x05\x06"
_ZIP64 = b"PK\x06\x07"
_HWP = b"HWP Document File"
_STREAMS: Mapping[str, str] = {
    "WordDocument": "application/msword",
    "Workbook": "application/vnd.ms-excel",
    "Book": "application/vnd.ms-excel",  # Excel 5 and 95
    "PowerPoint Document": "application/vnd.ms-powerpoint",
    "FileHeader": "application/x-hwp",
}
"""The stream of a compound file that makes it what it is."""
_MACROS = {"Macros", "_VBA_PROJECT_CUR", "VBA", "_VBA_PROJECT"}
_PPT_MACROS = bytes.fromhex("1f00ff0314000000 020000040c000000")  # VBAInfoContainer, [MS-PPT] 2.4.10, and its atom


def media_type(file: BinaryIO, name: str, declared: str) -> str:
    """What ``file`` is. Raises ``Invalid``: ``unknown_document``, ``document_lies`` or ``document_macro``."""
    found = _found(file)
    if found is None:
        raise Invalid("the file is of no type that is taken", code="unknown_document", field="body",
                      found=shown(name), expected=EXPECTED)  # fmt: skip
    ending = name.rpartition(".")[2].lower()
    if ending not in ENDINGS[found]:
        raise _lie("name", shown(name), f"a name that ends with .{' or .'.join(ENDINGS[found])}, as what is in it")
    said = declared.partition(";")[0].strip().lower()
    if SAME.get(said, said) not in (found, *UNSAID):
        raise _lie("Content-Type", shown(said), f"{found}, as what is in it")
    return found


def _found(file: BinaryIO) -> str | None:
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith(compound.SIGNATURE):
        return _compound(file)
    return _packed(file) if head.startswith(b"PK\x03\x04") else None


def _compound(file: BinaryIO) -> str | None:
    """The office format of a compound file, if it is one."""
    there = compound.names(file) or frozenset()
    kinds = {kind for stream, kind in _STREAMS.items() if stream in there}
    if len(kinds) != 1:
        return None
    found = kinds.pop()
    if found == "application/x-hwp":
        return found if {"DocInfo", "BodyText"} <= there and _holds(file, _HWP) else None
    if there & _MACROS or (found == "application/vnd.ms-powerpoint" and _holds(file, _PPT_MACROS)):
        raise _macro()
    return found


def _packed(file: BinaryIO) -> str | None:
    """The office format of a ZIP file, if it is one."""
    if not _is_small_zip(file):
        return None
    try:
        with zipfile.ZipFile(file) as packed:
            names = set(packed.namelist())
            if any(name.lower().endswith("vbaproject.bin") or name.startswith("Basic/") for name in names):
                raise _macro()
            if "[Content_Types].xml" in names:
                kinds = [ending for part, ending in _MAIN_PARTS.items() if part in names]
                return _of_ending(kinds[0]) if len(kinds) == 1 else None
            return _stated(packed, names)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OSError):
        return None


def _stated(packed: zipfile.ZipFile, names: set[str]) -> str | None:
    """OpenDocument and HWPX say in a first member, not packed, what they are."""
    if "mimetype" not in names:
        return None
    member = packed.getinfo("mimetype")
    if member.compress_type != zipfile.ZIP_STORED or member.file_size > HEAD_BYTES:
        return None
    said = packed.read(member).decode("ascii", "replace").strip()
    return said if said in ENDINGS else None


def _of_ending(ending: str) -> str:
    return next(kind for kind, endings in ENDINGS.items() if ending in endings)


def _is_small_zip(file: BinaryIO) -> bool:
    """Does it end as a ZIP file does, without ZIP64 and with a directory of bounded size?"""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 65_557))  # the end's 22 bytes and the longest comment
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22 or tail[max(0, at - 20) : at].startswith(_ZIP64):
        return False
    directory: int = struct.unpack_from("<I", tail, at + 12)[0]
    return directory <= DIRECTORY_BYTES


def _holds(file: BinaryIO, wanted: bytes) -> bool:
    file.seek(0)
    before = b""
    while piece := file.read(1 << 20):
        if wanted in before + piece:
            return True
        before = piece[-len(wanted) :]
    return False


def _macro() -> Invalid:
    return Invalid("the file holds macros", code="document_macro", field="body", found="macros",
                   expected="the same file without them, or a PDF")  # fmt: skip


def _lie(field: str, found: str, expected: str) -> Invalid:
    return Invalid(f"{field} does not say what the file is", code="document_lies", field=field, found=found,
                   expected=expected)  # fmt: skip
