"""``Vary`` of an answer, put together as text: to parse and to write it anew for each hook took longer than all else
that they do to the headers of a page."""

from __future__ import annotations

from flask import Response

NAME = "Vary"


def on(response: Response, *names: str) -> None:
    """The answer depends on these headers of the request, too."""
    present = response.headers.get(NAME)
    if not present:
        response.headers[NAME] = ", ".join(names)
        return
    known = {one.strip().lower() for one in present.split(",")}
    more = [one for one in names if one.lower() not in known]
    if more:
        response.headers[NAME] = ", ".join([present, *more])
