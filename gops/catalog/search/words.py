"""Text to tokens: pairs of Korean syllables, initial consonants, stemmed words. Pure.

A token is letters and digits alone. Its first letter names the field it stands in (``FIELDS``), then comes what stands
there: ``t미세`` is the pair 미세 in a title, ``t§pm10`` the concept pm10 (``synonyms``) in a title.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

FIELDS = "tkcpd"
"""Title, keywords, columns, publisher, description: in this order they weigh."""
INITIALS = "i"
BEGINNING = "a"
"""What is typed so far: initial consonants, and beginnings of words in Latin letters, of titles and keywords."""
CONCEPT = "§"
BEGINNING_LENGTH = 12
REMEMBERED = 20_000  # words whose tokens are kept at hand: a catalog says the same words again and again
_CONSONANTS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_FIRST, _PER_INITIAL, _VOWELS, _FINALS = 0xAC00, 588, 21, 28
_DECIMAL = re.compile(r"(?<=\d)[.,](?=\d)")
_RUN = re.compile(r"[가-힣]+|[ㄱ-ㅎ]+|[㐀-䶿一-鿿ぁ-ヿ]+|[^\W_가-힣ㄱ-ㅎ㐀-䶿一-鿿ぁ-ヿ]+")
_PAIRED = re.compile(r"[가-힣㐀-䶿一-鿿ぁ-ヿ]")
_LETTERS = re.compile(r"([ㄱ-ㅣ]+)")
_TYPED = re.compile(r"[ㄱ-ㅎ]+")
_ENDINGS = (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"))
_KEPT_S = ("ss", "us", "is", "as")


def normal(text: str) -> str:
    """NFKC, lower case, decimals joined (PM₂.₅ and PM2.5 -> pm25), Hangul composed.

    Letters typed alone (ㅅㅇ) stay what they are: NFKC would make conjoining ones of them.
    """
    around = _LETTERS.split(unicodedata.normalize("NFC", text))
    kept = "".join(part if place % 2 else unicodedata.normalize("NFKC", part) for place, part in enumerate(around))
    return _DECIMAL.sub("", kept.casefold())


def runs(text: str) -> list[str]:
    """The words of a normal text; Hangul, Latin and Han runs apart even where no space stands between."""
    return _RUN.findall(text)


def is_paired(run: str) -> bool:
    """Is the run cut into pairs (Hangul, Han, Kana)?"""
    return bool(_PAIRED.match(run))


def is_initials(run: str) -> bool:
    return bool(_TYPED.fullmatch(run))


def pairs(run: str) -> list[str]:
    """``수원시`` -> 수원, 원시; a single syllable is itself."""
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]


def parts(run: str) -> list[str]:
    """What a run is looked up by; all of them stand where it stands."""
    return pairs(run) if is_paired(run) else [stem(run)]


def stem(word: str) -> str:
    """English plurals lose their ending: readings -> reading, cities -> city."""
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending):
            return word[: -len(ending)] + instead
    return word[:-1] if word.endswith("s") and not word.endswith(_KEPT_S) else word


def initials(run: str) -> str:
    """``미세먼지`` -> ㅁㅅㅁㅈ; empty for what is no Hangul."""
    codes = [(ord(one) - _FIRST) // _PER_INITIAL for one in run]
    return "".join(_CONSONANTS[code] for code in codes) if all(0 <= code < len(_CONSONANTS) for code in codes) else ""


def letters(text: str) -> str:
    """Hangul as its letters, for distances and for what is half typed: 먼 -> ㅁ, vowel 4, final 4."""
    return "".join(_letters(one) for one in text)


def _letters(one: str) -> str:
    code = ord(one) - _FIRST
    if not 0 <= code < _PER_INITIAL * len(_CONSONANTS):
        return one
    vowel, final = (code % _PER_INITIAL) // _FINALS, code % _FINALS
    return _CONSONANTS[code // _PER_INITIAL] + chr(0x1161 + vowel) + (chr(0x11A7 + final) if final else "")


def plain(text: str) -> Iterator[str]:
    """Tokens of one field's text, without the field's letter; the first syllable of each word is one as well."""
    for run in runs(normal(text)):
        yield from _plain(run)


@lru_cache(REMEMBERED)
def _plain(run: str) -> tuple[str, ...]:
    return (*parts(run), run[0]) if is_paired(run) and len(run) > 1 else tuple(parts(run))


def beginnings(text: str) -> Iterator[str]:
    """Tokens by which a title is found while its first letters are typed."""
    for run in runs(normal(text)):
        yield from _beginnings(run)


@lru_cache(REMEMBERED)
def _beginnings(run: str) -> tuple[str, ...]:
    typed, letter = (initials(run), INITIALS) if is_paired(run) else (run, BEGINNING)
    return tuple(letter + typed[:length] for length in range(2, min(len(typed), BEGINNING_LENGTH) + 1))
