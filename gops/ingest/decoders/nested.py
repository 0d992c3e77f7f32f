"""Trees of JSON as fields: ``{"gps": {"lat": 37.2}, "t": [1, 2]}`` has ``gps.lat``, ``t[0]`` and ``t[1]``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gops.ingest.decoded import NAME_CHARACTERS, Decoded
from gops.ingest.decoders.lenient import Unfit, misfit
from gops.ingest.refused import Refused, Unreadable


def add_leaves(
    out: Decoded, tree: dict[str, Any], place: str, t: int | None, thing: str, levels: int, most: int
) -> None:
    """Add what stands in ``tree`` as readings of the time ``t``, at most about ``most``; ``thing`` goes before their
    fields and ``place`` before their paths. What is nested deeper than ``levels`` is refused."""
    out.spans.append((len(out.fields), place))
    for path, value in _leaves(tree, levels):
        name = thing + path
        try:
            if isinstance(value, Unreadable):
                raise value
            if len(name) > NAME_CHARACTERS:
                note = f"found a name of {len(name)} characters; expected at most {NAME_CHARACTERS}"
                raise Unreadable("too_large", note)
            if type(value) is Unfit:
                raise misfit(value, value.expected)
        except Unreadable as trouble:
            name = name[:NAME_CHARACTERS]
            out.refusals.append(Refused(trouble.code, name, place + name, trouble.note))
        else:
            add(out, name, value, t, thing)
        if len(out.fields) + len(out.refusals) > most:
            return


def add(out: Decoded, name: str, value: Any, t: int | None, thing: str) -> None:
    """Add one reading."""
    out.fields.append(name)
    out.values.append(value)
    out.times.append(t)
    out.qualities.append(None)
    out.result_times.append(None)
    if out.things is not None:
        out.things.append(thing)


def _leaves(tree: dict[str, Any], levels: int) -> Iterator[tuple[str, Any]]:
    """Paths and values in their order, without recursion. A path is never much longer than a name may be."""
    stack: list[Iterator[tuple[str, Any]]] = [iter(tree.items())]
    while stack:
        for path, value in stack[-1]:
            path = path[: NAME_CHARACTERS + 1]
            if type(value) is not dict and type(value) is not list:
                yield path, value
            elif len(stack) >= levels:
                yield path, Unreadable("too_deep", "nested deeper than GOPS_MESSAGE_DEPTH allows")
            else:
                stack.append(_inside(path, value))
                break
        else:
            stack.pop()


def _inside(path: str, value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    if type(value) is dict:
        return ((f"{path}.{name}", inner) for name, inner in value.items())
    return ((f"{path}[{index}]", inner) for index, inner in enumerate(value))
