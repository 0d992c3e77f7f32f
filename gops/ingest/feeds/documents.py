"""The bytes of an answer as a document: JSON, XML as JSON would have it, or plain words; or why it is none of these.

XML with a document type is refused: entities could read files or grow without bound.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import orjson
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from gops.ingest.feeds.answers import Failure, Trouble

OF_STATUS: Mapping[int, Trouble] = {401: "key", 403: "key", 404: "request", 410: "request", 429: "rate"}
XML_DEPTH = 12
PATH_DEPTH = 12
_HTML = re.compile(r"<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_COUNT = re.compile(r"\d{1,12}", re.ASCII)


def opened(status: int, body: bytes) -> Any:
    """A document, a ``str`` of plain words, or a ``Failure``. ``status`` is HTTP's. Never raises."""
    try:
        text = body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return mute(status, "not_utf8", "the answer is not UTF-8")
    if not text:
        note = "the answer is empty; that is no end of data, the rows asked for may be above the cap"
        return mute(status, "empty_body", note)
    if text[0] in "{[":
        return _of_json(status, text)
    if is_html(text):
        return mute(status, "html", "the answer is a page of HTML")
    return _of_xml(status, text) if text[0] == "<" else text


def is_html(text: str) -> bool:
    return _HTML.match(text.lstrip()) is not None


def _of_json(status: int, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return mute(status, "bad_json", "the answer looks like JSON and is none")


def _of_xml(status: int, text: str) -> Any:
    try:
        root = fromstring(text, forbid_dtd=True)
        return {root.tag: _plain(root, XML_DEPTH)}
    except (ParseError, DefusedXmlException, RecursionError, ValueError):
        return mute(status, "bad_xml", "the answer looks like XML and is none, or has a document type")


def _plain(element: Element, depth: int) -> Any:
    """An element as JSON would have it: its text, None when empty, or an object; repeated children are a list."""
    children = list(element)
    if not children:
        return (element.text or "").strip() or None
    if depth == 0:
        raise ValueError("nested deeper than any envelope")
    found: dict[str, list[Any]] = {}
    for child in children:
        found.setdefault(child.tag, []).append(_plain(child, depth - 1))
    return {tag: values[0] if len(values) == 1 else values for tag, values in found.items()}


def at(document: Any, path: str) -> Any:
    """What stands at ``response.body.items``; the document itself for no path; None where there is nothing.

    A number as a step is a place in a list.
    """
    for step in path.split(".")[:PATH_DEPTH] if path else ():
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isascii() and step.isdigit() and int(step[:6]) < len(document):
            document = document[int(step[:6])]
        else:
            return None
    return document


def rows_of(items: Any) -> Sequence[Mapping[str, Any]] | None:
    """A list, ``{"item": [...]}``, ``{"item": {...}}`` or an object for one row, ``""`` for none; None for others."""
    if isinstance(items, dict):
        if not items:
            return ()
        items = items["item"] if set(items) == {"item"} else items
    if isinstance(items, dict):
        return (items,)
    if items is None or items == "":
        return ()
    if isinstance(items, list) and all(isinstance(one, dict) for one in items):
        return tuple(items)
    return None


def count(total: Any) -> int | None:
    """A count, also as text; None for what is none."""
    text = str(total) if isinstance(total, int | str) and not isinstance(total, bool) else ""
    return int(text) if _COUNT.fullmatch(text) else None


def mute(status: int, code: str, note: str) -> Failure:
    """The body says nothing that is understood; an HTTP status other than 200 does."""
    if status == 200:
        return Failure("unreadable", code, note)
    return Failure(OF_STATUS.get(status, "server"), f"http_{status}", f"HTTP {status}; {note}")
