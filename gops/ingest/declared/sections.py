"""Reading a declaration: tables of JSON or TOML, member by member; what is wrong is named by its place."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gops.errors import Invalid
from gops.sensors import texts

Scalar = float | int | str | bool
SHOWN = 80


class Section:
    """A table at ``place``, such as ``mapping.fields[2]``. ``done`` refuses the members that nobody asked for."""

    def __init__(self, given: Any, place: str) -> None:
        if not isinstance(given, Mapping):
            raise wrong(place, given, "a table")
        self._given = given
        self._place = place
        self._known: list[str] = []

    def at(self, name: str) -> str:
        return f"{self._place}.{name}" if self._place else name

    def has(self, name: str) -> bool:
        self._known.append(name)
        return self._given.get(name) is not None

    def get(self, name: str, default: Any = None) -> Any:
        found = self._given[name] if self.has(name) else default
        return default if found is None else found

    def needed(self, name: str) -> Any:
        if not self.has(name):
            raise Invalid(
                f"{self.at(name)} is missing", code="required", field=self.at(name), expected=f"a value of {name}"
            )
        return self._given[name]

    def text(self, name: str, default: str | None = None, most: int = 200) -> str:
        """One line; ``default`` None means that it has to be there."""
        found = self.needed(name) if default is None else self.get(name, default)
        line = texts.line(found, self.at(name), most)
        if not line and default is None:
            raise wrong(self.at(name), found, f"1 to {most} characters")
        return line

    def one_of(self, name: str, words: Sequence[str], default: str | None = None) -> str:
        found = self.needed(name) if default is None else self.get(name, default)
        return texts.one_of(found, words, self.at(name))

    def flag(self, name: str, default: bool = False) -> bool:
        found = self.get(name, default)
        if not isinstance(found, bool):
            raise wrong(self.at(name), found, "true or false")
        return found

    def number(self, name: str, default: float) -> float:
        return texts.number(self.get(name, default), self.at(name))

    def zone(self, name: str) -> str:
        """An IANA time zone, or nothing."""
        found = self.text(name, "", 64)
        try:
            return ZoneInfo(found).key if found else ""
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            expected = "an IANA time zone such as Asia/Seoul"
            raise Invalid(
                f"there is no time zone {found}", code="bad_zone", field=self.at(name), found=found, expected=expected
            ) from error

    def section(self, name: str) -> Section:
        return Section(self.get(name, {}), self.at(name))

    def rows(self, name: str, most: int) -> list[Any]:
        found = self.get(name, [])
        if not isinstance(found, list | tuple) or len(found) > most:
            raise wrong(self.at(name), found if not isinstance(found, list) else len(found), f"at most {most} entries")
        return list(found)

    def sections(self, name: str, most: int) -> list[Section]:
        return [Section(row, f"{self.at(name)}[{index}]") for index, row in enumerate(self.rows(name, most))]

    def words(self, name: str, most: int) -> tuple[str, ...]:
        rows = enumerate(self.rows(name, most))
        return tuple(texts.line(row, f"{self.at(name)}[{index}]", 256) for index, row in rows)

    def scalars(self, name: str, most: int) -> tuple[Scalar, ...]:
        for index, row in enumerate(self.rows(name, most)):
            if not isinstance(row, Scalar) or (isinstance(row, str) and len(row) > 64):
                raise wrong(f"{self.at(name)}[{index}]", row, "a number, or a text of at most 64 characters")
        return tuple(self.rows(name, most))

    def done(self) -> None:
        for name in self._given:
            if name not in self._known:
                near = difflib.get_close_matches(str(name), self._known, n=1)
                raise Invalid(
                    f"there is no {self.at(str(name))}"[:200] + (f"; did you mean {near[0]}?" if near else ""),
                    code="unknown_field",
                    field=self.at(str(name))[:SHOWN],
                    found=str(name)[:SHOWN],
                    expected="one of " + ", ".join(dict.fromkeys(self._known)),
                )


def wrong(field: str, value: object, expected: str) -> Invalid:
    found = ascii(value)
    found = found if len(found) <= SHOWN else found[: SHOWN - 3] + "..."
    return Invalid(f"{field} is {found}, expected {expected}", field=field, found=found, expected=expected)
