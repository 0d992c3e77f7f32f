"""The sentence that cites a snapshot, in Korean and English. Pure.

After DataCite 4.5, "Recommended data citation format": creator (year): title. Version. Publisher. Identifier.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from gops.catalog.licences import LICENCES
from gops.catalog.snapshots.manifest import moment
from gops.clock import from_micros

SOURCE = "GOPS"


def citation(
    about: Mapping[str, Any], number: int, frozen_at: int, sha256: str, url: str, language: Literal["ko", "en"]
) -> str:
    """``about`` has ``title`` and ``publisher`` in both languages, and the id of the ``licence``."""
    title, publisher = (about[name][language] or about[name]["ko"] for name in ("title", "publisher"))
    year, when = from_micros(frozen_at).year, moment(frozen_at)
    licence = LICENCES[about["licence"]]
    if language == "ko":
        return (
            f"{publisher} ({year}). 「{title}」 스냅샷 {number} ({when} 기준) [데이터셋]. {SOURCE}. "
            f"{url} (sha256:{sha256}). {licence.ko}"
        )
    return (
        f"{publisher} ({year}). {title}, snapshot {number} (as of {when}) [Data set]. {SOURCE}. "
        f"{url} (sha256:{sha256}). {licence.en}"
    )
