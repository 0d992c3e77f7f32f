"""The dictionary of a file's columns: what the publisher says of each, beside what was found in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gops import units
from gops.catalog.filed.types import TYPES
from gops.errors import Invalid, TooLarge
from gops.sensors import texts

CODES = 1_000  # of one column
CODE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Code:
    """A value of a code list, as it stands in the file, and what it means."""

    value: str
    ko: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a column. Without a ``type`` it is found; ``codes``, if any, are all values there may be."""

    name: str
    type: str | None = None
    unit: str | None = None
    ko: str = ""
    en: str = ""
    codes: tuple[Code, ...] = ()
    nullable: bool = True

    def document(self) -> dict[str, Any]:
        codes = [{"value": one.value, "ko": one.ko, "en": one.en} for one in self.codes]
        return {"name": self.name, "type": self.type, "unit": self.unit, "ko": self.ko, "en": self.en,
                "codes": codes, "nullable": self.nullable}  # fmt: skip

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Said:
        codes = tuple(Code(**one) for one in document["codes"])
        return cls(**{**document, "codes": codes})


def read(columns: Sequence[Mapping[str, Any]], known: Sequence[str], most: int) -> list[Said]:
    """Checked declarations. ``known`` are the columns of the present file; none: it is still to come.

    Raises ``Invalid`` (``unknown_column``, ``unknown_unit``, ``invalid_value``), ``TooLarge``.
    """
    if len(columns) > most:
        raise TooLarge("too many columns", field="columns", found=len(columns),
                       expected=f"at most {most} (GOPS_UPLOAD_COLUMNS)")  # fmt: skip
    said = [_said(one, f"columns[{place}]") for place, one in enumerate(columns)]
    seen: set[str] = set()
    for place, one in enumerate(said):
        if one.name in seen:
            raise Invalid("a column is there twice", field=f"columns[{place}].name", found=one.name,
                          expected="each column once")  # fmt: skip
        if known and one.name not in known:
            raise Invalid("there is no such column", code="unknown_column", field=f"columns[{place}].name",
                          found=one.name, expected=f"some of {', '.join(known[:40])}")  # fmt: skip
        seen.add(one.name)
    return said


def _said(given: Mapping[str, Any], field: str) -> Said:
    kind, unit = given.get("type"), given.get("unit")
    if kind is not None and kind not in TYPES:
        raise Invalid("there is no such type", field=f"{field}.type", found=kind, expected="one of " + ", ".join(TYPES))
    if unit is not None:
        units.parse(unit, f"{field}.unit")
    return Said(
        texts.name(given.get("name"), f"{field}.name"),
        kind,
        unit,
        texts.prose(given.get("description_ko", ""), f"{field}.description_ko"),
        texts.prose(given.get("description_en", ""), f"{field}.description_en"),
        _codes(given.get("codes") or (), f"{field}.codes"),
        given.get("nullable", True),
    )


def _codes(given: Sequence[Mapping[str, Any]], field: str) -> tuple[Code, ...]:
    if len(given) > CODES:
        raise TooLarge("too many codes", field=field, found=len(given), expected=f"at most {CODES} of one column")
    codes = tuple(
        Code(
            texts.line(one["value"], f"{field}[{place}].value", CODE_LENGTH),
            texts.line(one.get("label_ko", ""), f"{field}[{place}].label_ko"),
            texts.line(one.get("label_en", ""), f"{field}[{place}].label_en"),
        )
        for place, one in enumerate(given)
    )
    if len({one.value for one in codes}) < len(codes):
        raise Invalid("a code is there twice", field=field, expected="each value once")
    return codes
