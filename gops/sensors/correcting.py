"""Corrections from the server's own shell: commands of the admin socket, which act with an owner's rights.

Whoever reaches the socket may read the data folder anyway; the audit has them as the platform's own acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gops.admin import Command, Progress
from gops.errors import Invalid
from gops.permissions import SCOPES, Actor
from gops.quality import ANY, parse_filter, parse_word
from gops.records.database import Database
from gops.sensors.corrections import Corrections
from gops.sensors.owners import Accounts

DELETE, REQUALIFY = "observation.delete", "observation.requalify"


def commands(corrections: Corrections, database: Database, accounts: Accounts) -> Mapping[str, Command]:
    """``observation.delete`` and ``observation.requalify``.

    Arguments: ``organisation`` (slug), ``datastreams`` (ids), ``start`` and ``end`` (microseconds), ``reason``,
    ``dry_run``; of the second ``quality``, and ``only`` (words with commas between, or null).
    """

    def owner(arguments: Mapping[str, Any]) -> Actor:
        with database.read() as session:
            home = accounts.organisation(session, str(arguments.get("organisation")))
        return Actor(organisation_id=home.id, roles=frozenset({"owner"}), scopes=frozenset(SCOPES))

    def delete(arguments: dict[str, Any], _progress: Progress) -> Any:
        done = corrections.delete(owner(arguments), *_range(arguments), dry_run=arguments.get("dry_run") is True)
        return asdict(done)

    def requalify(arguments: dict[str, Any], _progress: Progress) -> Any:
        ids, start, end, reason = _range(arguments)
        only = ANY if arguments.get("only") is None else parse_filter(str(arguments["only"]))
        quality, dry_run = parse_word(str(arguments.get("quality"))), arguments.get("dry_run") is True
        done = corrections.requalify(owner(arguments), ids, start, end, quality, reason, only=only, dry_run=dry_run)
        return asdict(done)

    return {DELETE: delete, REQUALIFY: requalify}


def _range(arguments: Mapping[str, Any]) -> tuple[list[int], int, int, str]:
    ids, start, end = (arguments.get(name) for name in ("datastreams", "start", "end"))
    if not isinstance(ids, list) or not all(type(one) is int for one in (*ids, start, end)):
        raise Invalid("not a range of Datastreams", field="datastreams", expected="ids, start and end in microseconds")
    assert isinstance(start, int)
    assert isinstance(end, int)
    return ids, start, end, str(arguments.get("reason", ""))
