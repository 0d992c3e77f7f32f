"""The names in a compound file ([MS-CFB] v3 and v4), the container of doc, xls, ppt and hwp. No stream is unpacked.

::

    header (512 bytes): sector size, first sector of the directory, the first 109 sectors of the table
    table (FAT):        of each sector the next one of its chain
    directory:          128 bytes an entry: name in UTF-16, its length, what it is

Every chain is followed for a bounded number of steps: what goes in circles or leads out of the file is no such file.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENTRY = 128
ENTRIES_MAX = 8_192  # a document has some dozens, a workbook with charts some hundreds
_LAST = 0xFFFFFFFA  # sectors have smaller numbers; larger ones end a chain, or are free
_STORAGE, _STREAM = 1, 2


class _BrokenFile(Exception):
    """It is not what its header says."""


def names(file: BinaryIO) -> frozenset[str] | None:
    """The names of its storages and streams; None where the file is none, or is broken."""
    try:
        return frozenset(_Compound(file).names())
    except (_BrokenFile, struct.error, UnicodeDecodeError):
        return None


class _Compound:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        size = file.seek(0, os.SEEK_END)
        head = self._at(0, 512)
        order, shift = struct.unpack_from("<HH", head, 28)
        if not head.startswith(SIGNATURE) or order != 0xFFFE or shift not in (9, 12):
            raise _BrokenFile
        self._shift, self._most = shift, size >> shift
        self._first: int = struct.unpack_from("<I", head, 48)[0]
        self._table = self._table_sectors(head)

    def names(self) -> Iterator[str]:
        for sector in self._chain():
            rows = self._sector(sector)
            for at in range(0, len(rows), ENTRY):
                length, kind = struct.unpack_from("<HB", rows, at + 64)
                if kind in (_STORAGE, _STREAM):
                    if not 2 < length <= 64:
                        raise _BrokenFile
                    yield rows[at : at + length - 2].decode("utf-16-le")

    def _chain(self) -> Iterator[int]:
        """The sectors of the directory."""
        sector, left = self._first, ENTRIES_MAX * ENTRY >> self._shift
        while sector < _LAST:
            if not left:
                raise _BrokenFile
            left -= 1
            yield sector
            sector = self._next(sector)

    def _next(self, sector: int) -> int:
        row, column = divmod(sector, 1 << (self._shift - 2))
        if row >= len(self._table):
            raise _BrokenFile
        found: int = struct.unpack_from("<I", self._sector(self._table[row]), column * 4)[0]
        return found

    def _table_sectors(self, head: bytes) -> list[int]:
        """Those of the header, then those in sectors that follow each other, each with the number of the next."""
        sectors = list(struct.unpack_from("<109I", head, 76))
        following: int = struct.unpack_from("<I", head, 68)[0]
        most = (self._most >> (self._shift - 2)) + 1  # as many as the file has sectors for
        while following < _LAST and len(sectors) <= most + 109:
            *more, following = struct.unpack(f"<{1 << (self._shift - 2)}I", self._sector(following))
            sectors += more
        return [sector for sector in sectors if sector < _LAST]

    def _sector(self, number: int) -> bytes:
        if number >= self._most:
            raise _BrokenFile
        return self._at((number + 1) << self._shift, 1 << self._shift)

    def _at(self, place: int, size: int) -> bytes:
        self._file.seek(place)
        found = self._file.read(size)
        if len(found) != size:
            raise _BrokenFile
        return found
