"""A site's calendar as iCalendar (RFC 5545): closures, and the weeks in which something of it is held.

All-day events; an end is the Monday behind the last week. Who holds what is not in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from gops.clock import from_micros
from gops.testbed import weeks
from gops.testbed.calendar import Calendar
from gops.testbed.model import Site
from gops.testbed.texts import RESOURCES

Run = tuple[int, int, tuple[int, ...]]


def ical(site: Site, calendar: Calendar, address: str, now: int) -> bytes:
    """The weeks of ``calendar``. ``address`` is the site's own; ``now`` microseconds."""
    from icalendar import Calendar as Ical
    from icalendar import Event

    made = Ical()
    made.add("prodid", "-//GOPS//sites//KO")
    made.add("version", "2.0")
    made.add("x-wr-calname", f"{site.name_ko} / {site.name_en}")
    for first, end, text in _events(site, calendar):
        event = Event()
        event.add("uid", f"site-{site.id}-{weeks.name(first)}-{text[0]}@gops")
        event.add("dtstamp", from_micros(now).astimezone(dt.UTC))
        event.add("dtstart", weeks.monday(first))
        event.add("dtend", weeks.monday(end))
        event.add("summary", text[1])
        event.add("url", address)
        event.add("transp", "OPAQUE" if text[0] == "closed" else "TRANSPARENT")
        made.add_component(event)
    return bytes(made.to_ical())


def _events(site: Site, calendar: Calendar) -> Iterator[tuple[int, int, tuple[str, str]]]:
    names = list(site.capacity)
    columns = [calendar.left[name] for name in names]
    rows = [(-1,) if calendar.first_week + at in calendar.closed else tuple(max(0, column[at]) for column in columns)
            for at in range(len(columns[0]))]  # fmt: skip
    whole = tuple(site.capacity.values())
    for first, end, row in _runs(rows, calendar.first_week):
        if row == (-1,):
            yield first, end, ("closed", "휴장 / closed")
        elif row != whole:
            yield first, end, ("held", _left(names, row, site.capacity))


def _runs(rows: Sequence[tuple[int, ...]], first_week: int) -> Iterator[Run]:
    """Weeks that are alike and follow each other as one: [first, end)."""
    begin = 0
    for at in range(1, len(rows) + 1):
        if at == len(rows) or rows[at] != rows[begin]:
            yield first_week + begin, first_week + at, rows[begin]
            begin = at


def _left(names: Sequence[str], row: Sequence[int], capacity: Mapping[str, int]) -> str:
    parts = []
    for name, amount in zip(names, row, strict=True):
        korean, english, unit = RESOURCES.get(name, (name, name, ""))
        both = korean if korean == english else f"{korean} / {english}"
        parts.append(f"{both}: {amount:,} of {capacity[name]:,} {unit}".strip())
    return "일부 예약 / partly booked; 남음 / left: " + ", ".join(parts)
