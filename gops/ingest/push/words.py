"""Eight signs of many places of a text at once, as the words of 64 bits that they are, lowest sign first."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gops.ingest.push.chunk import Floats, Ints, Mask

SIGNS = 8  # in a word
Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
_LOW, _HIGH, _ZEROS = (np.uint64(one * 0x0101010101010101) for one in (0x01, 0x80, 0x30))
_NOTHING, _ONE, _BITS, _ALL, _ZERO = (np.uint64(one) for one in (0, 1, 8, 64, ord("0")))
_TENS = _LOW * np.uint64(0xF0)
_POWERS = 10.0 ** np.arange(SIGNS + 1)


def at_every_place(held: Bytes) -> Words:
    """The word that begins at each place of a text, the last ``SIGNS - 1`` places excepted. Nothing is copied."""
    return np.ndarray((len(held) - SIGNS + 1,), np.dtype("<u8"), held, 0, (1,))


def stands(words: Words, at: Ints, text: bytes) -> Mask:
    """At which of these places the text stands."""
    found: Mask = np.ones(len(at), np.bool_)
    if len(text) < SIGNS:
        wanted = int.from_bytes(text, "little")
        return np.asarray(words[at] & np.uint64((1 << 8 * len(text)) - 1) == np.uint64(wanted), np.bool_)
    for begin in [*range(0, len(text) - SIGNS, SIGNS), len(text) - SIGNS]:
        found &= words[at + begin] == np.uint64(int.from_bytes(text[begin : begin + SIGNS], "little"))
    return found


def lengths(held: Bytes, words: Words, at: Ints, sign: int, likely: int, most: int) -> Ints:
    """How far behind each place a sign stands, ``most`` at most, else 0: ``likely`` if it stands there, where another
    one before it is not looked for, else the nearest."""
    found = np.full(len(at), likely, np.int64)
    away = np.flatnonzero(held[at + likely] != sign)
    found[away] = 0
    for begin in range(0, most, SIGNS):
        if not len(away):
            break
        length = _nearest(words[at[away] + begin], sign)
        there = length < SIGNS
        found[away[there]] = begin + length[there]
        away = away[~there]
    return found


def _nearest(words: Words, sign: int) -> Any:
    """The place of a sign in each word, ``SIGNS`` for none."""
    return _before(words, sign) >> np.uint64(3)


def _before(words: Words, sign: int) -> Words:
    """The bits before a sign in each word, 64 for none."""
    others = words ^ (_LOW * np.uint64(sign))
    hits = (others - _LOW) & ~others & _HIGH  # right up to the first one, which is all that is asked
    return np.bitwise_count((hits & (~hits + _ONE)) - _ONE).astype(np.uint64) & ~np.uint64(7)


def whole_numbers(words: Words, at: Ints, length: Ints) -> tuple[Ints, Mask]:
    """The numbers that as many digits spell, and for which places they are such: ``SIGNS`` at most, no zero first."""
    held = (length > 0) & (length <= SIGNS)
    found: Any = words[at]
    held &= (found & np.uint64(0xFF)) != _ZERO
    number, digits = _number(found, length.astype(np.uint64) * _BITS)
    return number.astype(np.int64), held & digits


def decimals(words: Words, at: Ints, length: Ints) -> tuple[Floats, Mask]:
    """The numbers that as many signs spell, and for which places they are such as JSON has, of ``SIGNS`` at most and
    without exponent. They are exact: whole numbers and powers of ten that a float holds, divided once."""
    held = (length > 0) & (length <= SIGNS)
    used = length.astype(np.uint64) * _BITS
    found: Any = words[at]
    minus = (found & np.uint64(0xFF)) == np.uint64(ord("-"))
    found >>= minus * _BITS
    used -= minus * _BITS
    below = _before(found, ord("."))  # bits before the point
    pointed = below < used
    below = np.where(pointed, below, used)
    before = (_ONE << below) - _ONE  # all of them of 64
    behind = used - below - pointed * _BITS  # bits behind the point
    zero = ((found & np.uint64(0xFF)) == _ZERO) & (below > _BITS)
    number, digits = _number((found & before) | ((found >> (pointed * _BITS)) & ~before), used - pointed * _BITS)
    held &= digits & ~zero & (below > 0) & ((behind > 0) | ~pointed)
    value = number.astype(np.float64) / _POWERS[np.where(held, behind, 0) >> np.uint64(3)]
    return np.where(minus, -value, value), held


def _number(found: Any, used: Any) -> tuple[Words, Mask]:
    """Of the first ``used`` bits of each word, the number that they spell, and whether all of them are digits."""
    found = (found << (_ALL - used)) | np.where(used < _ALL, _ZEROS >> used, _NOTHING)
    digits = ((found & _TENS) | (((found + _LOW * np.uint64(6)) & _TENS) >> np.uint64(4))) == _LOW * np.uint64(0x33)
    found = found & (_LOW * np.uint64(0x0F))
    found = (found * np.uint64(1 + (10 << 8)) >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
    found = (found * np.uint64(1 + (100 << 16)) >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)
    return found * np.uint64(1 + (10_000 << 32)) >> np.uint64(32), np.asarray(digits, np.bool_)
