"""What an instance says beyond capacity, from the records: only what the call asks for, and no name of a company.

Companies stand in a round as pseudonyms, under the key of the applications' ones: a limit of a company must be seen to
hold, and nobody needs to know whose it is. Municipalities and themes are public.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts.model import Organisation
from gops.testbed import details, limited, mechanisms
from gops.testbed.allocation import instance as model
from gops.testbed.allocation.instance import Demands, Limit
from gops.testbed.allocation.roundfile import PSEUDONYM_LENGTH
from gops.testbed.model import Application, Call, CallSite, Site
from gops.testbed.round_model import ApplicationMark


@dataclass(frozen=True)
class Heeded:
    """``towns``: the municipality of each site, empty where no limit asks; ``kinds`` of limits that the call has."""

    demands: Demands
    kinds: frozenset[str]
    companies: Mapping[int, str]
    towns: Mapping[int, str]
    marks: Mapping[int, ApplicationMark]
    groups: bool

    @classmethod
    def of(cls, session: Session, call: Call, rows: Sequence[Application]) -> Heeded:
        section = mechanisms.section(call.terms)
        asked = {**section, "limits": limited.present(session, section["limits"])}
        kinds = frozenset(limit["kind"] for limit in asked["limits"])
        towns = _towns(session, call) if "municipality" in kinds else {}
        slugs = _slugs(session, {row.organisation_id for row in rows})
        present = {
            "company": slugs.values(),
            "municipality": towns.values(),
            "theme": [row.theme for row in rows if row.theme is not None],
        }
        demands = mechanisms.demands(asked, present)
        assert call.pseudonym_key is not None
        key = call.pseudonym_key
        companies = {row: company_pseudonym(key, slug) for row, slug in slugs.items()}
        hidden = tuple(_hidden(limit, key) for limit in demands.limits)
        query = select(ApplicationMark).where(ApplicationMark.application_id.in_([row.id for row in rows]))
        marks = {mark.application_id: mark for mark in session.scalars(query)}
        return cls(replace(demands, limits=hidden), kinds, companies, towns, marks, asked["groups"])

    def of_application(self, row: Application, made: model.Application) -> model.Application:
        mark = self.marks.get(row.id)
        known = {share.label for share in self.demands.shares}
        return replace(
            made,
            company=self.companies[row.organisation_id] if "company" in self.kinds else None,
            theme=row.theme if "theme" in self.kinds else None,
            group=mark.group_name if mark is not None and self.groups else None,
            cost=0 if self.demands.budget is None else details.of(row.details)["funding"].get("requested", 0),
            labels=tuple(sorted(known & set(mark.labels))) if mark is not None else (),
        )


def company_pseudonym(key: bytes, slug: str) -> str:
    """HMAC-SHA-256 of ``company:`` and the slug, shortened: no number of an application has such a text."""
    return hmac.new(key, f"company:{slug}".encode(), hashlib.sha256).hexdigest()[:PSEUDONYM_LENGTH]


def _hidden(limit: Limit, key: bytes) -> Limit:
    return replace(limit, key=company_pseudonym(key, limit.key)) if limit.kind == "company" else limit


def _towns(session: Session, call: Call) -> dict[int, str]:
    query = select(Site.id, Organisation.slug).join(Organisation, Organisation.id == Site.organisation_id)
    query = query.join(CallSite, CallSite.site_id == Site.id).where(CallSite.call_id == call.id)
    return {row.id: row.slug for row in session.execute(query)}


def _slugs(session: Session, ids: set[int]) -> dict[int, str]:
    query = select(Organisation.id, Organisation.slug).where(Organisation.id.in_(ids))
    return {row.id: row.slug for row in session.execute(query)}
