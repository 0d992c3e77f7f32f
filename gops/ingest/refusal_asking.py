"""Replaying refusals from the server's own shell: a command of the admin socket, with an owner's rights."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gops.admin import Command, Progress
from gops.errors import Invalid
from gops.ingest.model import RefusalReplay
from gops.ingest.refusal_reading import UNREADABLE
from gops.ingest.refusal_replays import COUNTED, RefusalReplays
from gops.ingest.refusal_selection import Wanted
from gops.permissions import SCOPES, Actor
from gops.records.database import Database
from gops.sensors.owners import Accounts

REPLAY = "refusal.replay"
NUMBERS = ("messages", "readings", "settled", "still", "fresh")


def commands(replays: RefusalReplays, database: Database, accounts: Accounts) -> Mapping[str, Command]:
    """``refusal.replay``: ``organisation`` (slug) and members of ``Wanted``; the answer and its progress are those of
    ``as_document``."""

    def replay(arguments: dict[str, Any], progress: Progress) -> Any:
        with database.read() as session:
            home = accounts.organisation(session, str(arguments.pop("organisation", "")))
        owner = Actor(organisation_id=home.id, roles=frozenset({"owner"}), scopes=frozenset(SCOPES))
        done = replays.order(
            owner, home.id, _wanted(arguments), at_once=sys.maxsize, told=lambda row: progress(as_document(row))
        )
        return as_document(done)

    return {REPLAY: replay}


def as_document(row: RefusalReplay) -> dict[str, Any]:
    """A replay as it is shown. Null is what the store cannot count."""
    counts = row.counts
    why = {name.removeprefix("unread_"): count for name, count in counts.items() if name.startswith("unread_")}
    return {
        "id": row.id,
        "state": row.state,
        "refusals": row.refusals,
        **{name: counts.get(name, 0) for name in NUMBERS},
        **{name: None if f"untold_{name}" in counts else counts.get(name, 0) for name in COUNTED},
        "unread": why,
        "unread_notes": [{"code": code, "refusals": count, **asdict(UNREADABLE[code])} for code, count in why.items()],
        "reason": row.reason,
        "begun_at": row.begun_at,
        "ended_at": row.ended_at,
    }


def _wanted(arguments: Mapping[str, Any]) -> Wanted:
    ids, texts = arguments.get("ids", []), [arguments.get(name) for name in ("feed", "device", "code", "field")]
    times = [arguments.get(name) for name in ("start", "end")]
    if (
        not isinstance(ids, list)
        or not all(type(one) is int for one in ids)
        or not all(one is None or isinstance(one, str) for one in texts)
        or not all(one is None or type(one) is int for one in times)
    ):
        raise Invalid("not a selection of refusals", field="ids", expected="ids, feed, device, code, field, start, end")
    return Wanted(tuple(ids), *texts, *times)
