"""Licences that a dataset may have, with what they allow and the sentence that names the source.

KOGL (공공누리, Korea Open Government License) types 0 to 4, Creative Commons 4.0, and the public domain. Sentences for
KOGL follow the model of the licence itself (kogl.or.kr/info/license.do).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gops.errors import Invalid

Language = Literal["ko", "en"]


@dataclass(frozen=True, slots=True)
class Licence:
    """``attribution``: the source must be named. ``commercial`` and ``changes``: these uses are allowed.

    ``share_alike``: what is made of it goes under the same licence.
    """

    id: str
    ko: str
    en: str
    iri: str
    attribution: bool = True
    commercial: bool = True
    changes: bool = True
    share_alike: bool = False

    @property
    def is_open(self) -> bool:
        """In the sense of the Open Definition 2.1: any use, by anybody, for any purpose."""
        return self.commercial and self.changes


_KOGL = "https://www.kogl.or.kr/info/licenseType{}.do"
_CC = "https://creativecommons.org/licenses/{}/4.0/"
_PUBLIC = "https://creativecommons.org/publicdomain/{}/1.0/"
_ALL = (
    Licence("kogl-0", "공공누리 제0유형 (자유이용)", "KOGL Type 0: free use", _KOGL.format(0), attribution=False),
    Licence("kogl-1", "공공누리 제1유형 (출처표시)", "KOGL Type 1: attribution", _KOGL.format(1)),
    Licence(
        "kogl-2",
        "공공누리 제2유형 (출처표시, 상업적 이용금지)",
        "KOGL Type 2: attribution, no commercial use",
        _KOGL.format(2),
        commercial=False,
    ),
    Licence(
        "kogl-3",
        "공공누리 제3유형 (출처표시, 변경금지)",
        "KOGL Type 3: attribution, no changes",
        _KOGL.format(3),
        changes=False,
    ),
    Licence(
        "kogl-4",
        "공공누리 제4유형 (출처표시, 상업적 이용금지, 변경금지)",
        "KOGL Type 4: attribution, no commercial use, no changes",
        _KOGL.format(4),
        commercial=False,
        changes=False,
    ),
    Licence("cc-by-4.0", "CC 저작자표시 4.0", "CC Attribution 4.0", _CC.format("by")),
    Licence(
        "cc-by-sa-4.0",
        "CC 저작자표시-동일조건변경허락 4.0",
        "CC Attribution-ShareAlike 4.0",
        _CC.format("by-sa"),
        share_alike=True,
    ),
    Licence(
        "cc-by-nc-4.0",
        "CC 저작자표시-비영리 4.0",
        "CC Attribution-NonCommercial 4.0",
        _CC.format("by-nc"),
        commercial=False,
    ),
    Licence(
        "cc-by-nd-4.0",
        "CC 저작자표시-변경금지 4.0",
        "CC Attribution-NoDerivatives 4.0",
        _CC.format("by-nd"),
        changes=False,
    ),
    Licence(
        "cc-by-nc-sa-4.0",
        "CC 저작자표시-비영리-동일조건변경허락 4.0",
        "CC Attribution-NonCommercial-ShareAlike 4.0",
        _CC.format("by-nc-sa"),
        commercial=False,
        share_alike=True,
    ),
    Licence(
        "cc-by-nc-nd-4.0",
        "CC 저작자표시-비영리-변경금지 4.0",
        "CC Attribution-NonCommercial-NoDerivatives 4.0",
        _CC.format("by-nc-nd"),
        commercial=False,
        changes=False,
    ),
    Licence(
        "cc0-1.0", "CC0 1.0 (퍼블릭 도메인 기증)", "CC0 1.0: public domain", _PUBLIC.format("zero"), attribution=False
    ),
    Licence("public-domain", "퍼블릭 도메인", "Public domain", _PUBLIC.format("mark"), attribution=False),
)
OTHER = "other"
"""Of what is harvested under a licence that is none of these; nobody chooses it. What it allows, its source says."""
_OTHER = Licence(
    OTHER, "기타 (출처가 정한 이용 조건)", "Other: as its source says", "", commercial=False, changes=False
)
LICENCES: Mapping[str, Licence] = {licence.id: licence for licence in (*_ALL, _OTHER)}


def licence(licence_id: str) -> Licence:
    """Raises ``Invalid`` (``unknown_licence``)."""
    if licence_id not in LICENCES or licence_id == OTHER:
        raise Invalid(
            "there is no such licence",
            code="unknown_licence",
            field="licence",
            found=licence_id,
            expected="one of " + ", ".join(one for one in LICENCES if one != OTHER),
        )
    return LICENCES[licence_id]


def attribution(of: Licence, title: str, publisher: str, year: int, url: str, language: Language) -> str:
    """The sentence to copy beside a use of the dataset; the same words also where naming the source is not asked."""
    if language == "en":
        return f"{title}, {publisher} ({year}), {url}, {of.en} ({of.iri})"
    if not of.id.startswith("kogl-"):
        return f"{publisher}, 「{title}」({year}), {url}, {of.ko} ({of.iri})"
    kind = f"공공누리 제{of.id[-1]}유형"
    return (
        f"본 저작물은 '{publisher}'에서 '{year}년' 작성하여 {kind}으로 개방한 '{title}'을(를) 이용하였으며, "
        f"해당 저작물은 '{publisher}, {url}'에서 무료로 내려받으실 수 있습니다."
    )
