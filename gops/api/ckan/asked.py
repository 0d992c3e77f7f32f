"""Parameters of an action: from the address or a JSON body, each read as what it is, unknown ones refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from flask import Request

from gops.errors import Invalid

LONGEST = 1000  # characters of a text
MOST = 100  # names in a list
KEY = "key"


class Asked:
    """``values`` by name; a list has several, as an address may. What nobody has read is refused by ``done``."""

    def __init__(self, values: Mapping[str, Any], ignored: frozenset[str] = frozenset()) -> None:
        self._values = {name: value for name, value in values.items() if value is not None}
        self._unread = set(self._values) - ignored - {KEY}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def raw(self, name: str) -> Any:
        self._unread.discard(name)
        return self._values.get(name)

    def text(self, name: str, default: str = "") -> str:
        found = self._one(name)
        if found is None:
            return default
        if not isinstance(found, str) or len(found) > LONGEST or "\0" in found:
            raise Invalid("not a text that is short enough", field=name, found=found, expected=f"{LONGEST} characters")
        return found.strip()

    def needed(self, name: str) -> str:
        found = self.text(name)
        if not found:
            raise Invalid("Missing value", code="required", field=name, expected="a text")
        return found

    def whole(self, name: str, low: int, high: int, default: int) -> int:
        found = self._one(name)
        if found is None:
            return default
        if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 19:
            found = int(found)
        if not isinstance(found, int) or isinstance(found, bool) or not low <= found <= high:
            raise Invalid("not a fitting number", field=name, found=found, expected=f"a number from {low} to {high}")
        return found

    def flag(self, name: str, default: bool = False) -> bool:
        found = self._one(name)
        if found is None or isinstance(found, bool):
            return default if found is None else found
        word = str(found).lower()
        if word not in ("true", "false", "1", "0", "yes", "no", "t", "f"):
            raise Invalid("neither true nor false", field=name, found=found, expected="true or false")
        return word in ("true", "1", "yes", "t")

    def names(self, name: str) -> Sequence[str]:
        """A list: as JSON, given several times, or with commas between."""
        found = self.raw(name)
        if found is None:
            return ()
        if isinstance(found, list) and len(found) == 1:
            found = found[0]
        if isinstance(found, str):
            found = _json(name, found) if found.startswith("[") else [part.strip() for part in found.split(",")]
        if not isinstance(found, list) or len(found) > MOST or not all(isinstance(one, str) for one in found):
            raise Invalid("not a list of names", field=name, found=found, expected=f'["a", "b"], at most {MOST}')
        return [one for one in found if one]

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An object, or its JSON."""
        found = self._one(name)
        if found is None or found == "":
            return {}
        if isinstance(found, str):
            found = _json(name, found)
        if not isinstance(found, dict) or len(found) > MOST:
            raise Invalid("not an object", field=name, found=found, expected='{"field": "value"}')
        return found

    def done(self) -> None:
        """Raises ``Invalid`` for what nobody asked after."""
        if self._unread:
            name = min(self._unread)
            raise Invalid(
                "this action takes no such parameter", code="unknown_parameter", field=name[:100], expected="none"
            )

    def _one(self, name: str) -> Any:
        found = self.raw(name)
        if isinstance(found, list) and len(found) == 1:
            return found[0]
        return found


def _json(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Invalid("not JSON", field=name, found=text, expected='JSON, such as ["a"]') from error


def read(request: Request) -> Mapping[str, Any]:
    """The parameters of a request. Raises ``Invalid`` for a body that is no JSON object."""
    given: dict[str, Any] = {
        name: values[0] if len(values) == 1 else list(values) for name, values in request.args.lists()
    }
    body = request.get_data() if request.method == "POST" else b""
    if not body.strip():
        return given
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid("the body is no JSON", field="body", expected="a JSON object of parameters") from error
    if not isinstance(told, dict):
        raise Invalid("the body is no JSON object", field="body", found=told, expected="a JSON object of parameters")
    return given | told
