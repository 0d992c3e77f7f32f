"""In which encoding a text is: UTF-8, or CP949 (which holds EUC-KR). Nothing is guessed line by line.

A text that is valid UTF-8 is UTF-8: Korean in CP949 practically never is. One that is not is CP949 where all of it is
and no line of it is Korean in UTF-8; otherwise several encodings are mixed, and the first line that breaks off from
those before is named.
"""

from __future__ import annotations

import codecs
from typing import BinaryIO

from gops.catalog.filed.bounds import bad_file

PIECE = 1 << 20
UTF8, CP949 = "utf-8", "cp949"
BOM = b"\xef\xbb\xbf"
EXPECTED = "one encoding from beginning to end: UTF-8, or CP949"


def encoding_of(file: BinaryIO) -> str:
    """``utf-8`` or ``cp949``. Raises ``Invalid`` (``bad_file``) that names the line."""
    if _is(file, UTF8):
        return UTF8
    first, other = _lines(file)
    if other is not None:
        number, line = other
        raise bad_file(
            f"line {number} is not in the encoding of the lines before ({first})",
            line[:40].decode("ascii", "backslashreplace"),
            EXPECTED,
            f"line {number}",
        )
    return CP949


def as_utf8(source: BinaryIO, encoding: str, into: BinaryIO) -> None:
    """The text in UTF-8, without a byte order mark. It is valid in ``encoding``."""
    source.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    piece = source.read(PIECE).removeprefix(BOM)
    while piece:
        into.write(decoder.decode(piece).encode())
        piece = source.read(PIECE)
    into.write(decoder.decode(b"", final=True).encode())
    into.seek(0)


def _is(file: BinaryIO, encoding: str) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        while piece := file.read(PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _lines(file: BinaryIO) -> tuple[str, tuple[int, bytes] | None]:
    """The encoding of the first line that tells it, and the first line that is in none or another, with its number."""
    file.seek(0)
    first: str | None = None
    number = 0
    while line := file.readline(PIECE):
        number += 1
        if line.isascii():
            continue
        encoding = _of_line(line.removeprefix(BOM) if number == 1 else line, first)
        first = first or encoding
        if encoding is None or encoding != first:
            return first or "none that is known", (number, line)
    return first or UTF8, None


def _of_line(line: bytes, before: str | None) -> str | None:
    is_cp949 = _reads(line, CP949)
    if before == CP949 and is_cp949 and not _is_korean_utf8(line):
        return CP949
    if _is_korean_utf8(line) or (not is_cp949 and _reads(line, UTF8)):
        return UTF8
    return CP949 if is_cp949 else None


def _reads(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_korean_utf8(line: bytes) -> bool:
    """Valid UTF-8 with at least one syllable of Hangul: three bytes that in CP949 would hardly stand so."""
    try:
        return any("가" <= letter <= "힣" for letter in line.decode(UTF8))
    except UnicodeDecodeError:
        return False
