"""Trying quality rules from the server's own shell: a command of the admin socket, with an owner's rights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gops.admin import Command, Progress
from gops.errors import Invalid
from gops.ingest.rules.service import QualityRuling
from gops.ingest.rules.trial import as_document
from gops.permissions import SCOPES, Actor
from gops.records.database import Database
from gops.sensors.owners import Accounts

TRY = "quality.try"


def commands(service: QualityRuling, database: Database, accounts: Accounts) -> Mapping[str, Command]:
    """``quality.try``: ``organisation`` (slug), ``datastream`` (id), ``start`` and ``end`` (microseconds), ``rules``
    (an object, or null: those that stand), ``bounds`` (``range_low``, ``range_high``)."""

    def attempt(arguments: dict[str, Any], _progress: Progress) -> Any:
        with database.read() as session:
            home = accounts.organisation(session, str(arguments.get("organisation")))
        owner = Actor(organisation_id=home.id, roles=frozenset({"owner"}), scopes=frozenset(SCOPES))
        numbers = [arguments.get(name) for name in ("datastream", "start", "end")]
        rules, bounds = arguments.get("rules"), arguments.get("bounds") or {}
        if not all(type(one) is int for one in numbers) or not isinstance(rules, dict | None):
            raise Invalid("not a trial of rules", field="rules", expected="an object of rules and a range")
        trial = service.attempt(owner, numbers[0], rules, numbers[1], numbers[2], bounds)  # type: ignore[arg-type]
        return {**as_document(trial.tried), "untried": list(trial.untried), "rules": dict(trial.rules)}

    return {TRY: attempt}
