"""Demands: stated, edited, opened, closed, found. Opened ones are public."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gops import areas
from gops.accounts import checks as names
from gops.accounts.lookup import organisation
from gops.clock import Clock
from gops.errors import Conflict, Forbidden
from gops.permissions import Actor, require
from gops.records import audit, events
from gops.records.database import Database
from gops.records.paging import page
from gops.sensors import texts
from gops.sensors.bounds import refuse_more
from gops.settings import Settings
from gops.testbed import checks, lifecycles, visibility
from gops.testbed.checks import wrong
from gops.testbed.demands.likeness import likely
from gops.testbed.demands.model import Demand
from gops.testbed.demands.seeing import demand, demands_seen, to_change
from gops.testbed.lifecycles import DEMAND
from gops.testbed.model import Call

KINDS = ("municipality", "citizen_group", "company")
"""Kinds of organisations that state demands."""
COMPARED = 2_000
"""So many of the newest open demands are compared with a new one (bench/sites.py)."""
SITES_MAX = 20
SUPPORTED = ("title_ko", "description_ko", "outcome_ko", "theme", "municipality", "sites", "area")
"""What stays once somebody supports it; wording in English may be added."""


@dataclass(frozen=True)
class Like:
    """A demand that says likely the same; ``likeness`` from 0.5 to 1."""

    id: int
    title_ko: str
    title_en: str
    supports: int
    likeness: float


class Demands:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def create(self, actor: Actor, organisation_slug: str, **given: Any) -> tuple[Demand, list[Like]]:
        """A draft, and the demands that say likely the same. Raises ``Invalid``, ``Forbidden``, ``Conflict``."""
        row = Demand(
            state=DEMAND.states[0], supports=0, created_at=self._clock.micros(), title_en="", description_ko="",
            description_en="", outcome_ko="", outcome_en="", sites=[],
        )  # fmt: skip
        with self._database.write() as session:
            home = organisation(session, organisation_slug)
            require(actor, "demand.change", home.id)
            if home.kind not in KINDS:
                raise Forbidden(f"{home.slug} states no demands", code="wrong_organisation_kind", field="organisation",
                                found=home.kind, expected="an organisation of kind " + ", ".join(KINDS))  # fmt: skip
            refuse_more(session, self._settings, "organisation_demands", Demand.organisation_id == home.id, home.id)
            row.organisation_id = home.id
            row.municipality_id = home.id if home.kind == "municipality" else None
            self._set(session, actor, row, given)
            session.add(row)
            session.flush()
            self._note(session, actor, "demand.create", row)
        with self._database.read() as session:  # others need not wait for the comparison
            return row, _like(session, [row.title_ko, row.title_en], row.id)

    def edit(self, actor: Actor, demand_id: int, **given: Any) -> Demand:
        """Change what is given of a draft or an open demand. Raises ``Conflict`` (``demand_supported``)."""
        with self._database.write() as session:
            row = to_change(session, actor, demand_id)
            if row.state not in ("draft", "open"):
                raise Conflict(f"demand {row.id} is {row.state}", code="demand_not_open", field="state",
                               found=row.state, expected="a draft, or an open demand")  # fmt: skip
            fixed = sorted(set(given) & set(SUPPORTED))
            if row.supports and fixed:
                raise Conflict(
                    f"{row.supports} people support demand {row.id} as it is", code="demand_supported",
                    field=fixed[0], found=row.supports, expected="no change of what they support",
                )  # fmt: skip
            self._set(session, actor, row, given)
            self._note(session, actor, "demand.edit", row, changed=sorted(given))
        return row

    def move(self, actor: Actor, demand_id: int, state: str, why: str = "") -> Demand:
        """Open or close one's own; open again what a call had taken up that was cancelled."""
        with self._database.write() as session:
            row = to_change(session, actor, demand_id)
            before = row.state
            lifecycles.move(DEMAND, row, checks.state(DEMAND, state))
            if state == "open":
                _let_go(session, row, before)
                row.opened_at = row.opened_at or self._clock.micros()
            else:
                row.reason = texts.reason(why)
            self._note(session, actor, f"demand.{state}", row, reason=row.reason if state == "closed" else None)
        return row

    def get(self, actor: Actor, demand_id: int) -> Demand:
        """Raises ``NotFound``. A merged one says where it went (``merged_into``)."""
        with self._database.read() as session:
            return demand(session, actor, demand_id)

    def list(
        self,
        actor: Actor,
        *,
        state: str | None = None,
        theme: str | None = None,
        organisation_slug: str | None = None,
        municipality: str | None = None,
        call: str | None = None,
        words: str = "",
        after: int = 0,
        limit: int = 100,
    ) -> Sequence[Demand]:
        """Those that the actor sees. Merged ones only where ``state`` asks for them; ``words`` stand in the texts."""
        query = select(Demand).where(demands_seen(actor))
        if state is None:
            query = query.where(Demand.state != "merged")
        else:
            query = query.where(Demand.state == checks.state(DEMAND, state))
        if theme is not None:
            query = query.where(Demand.theme == names.one_of(theme, checks.THEMES, "theme"))
        for word in texts.line(words, "q").split()[:10]:
            places = (Demand.title_ko, Demand.title_en, Demand.description_ko, Demand.description_en)
            query = query.where(or_(*(place.icontains(word, autoescape=True) for place in places)))
        with self._database.read() as session:
            if organisation_slug is not None:
                query = query.where(Demand.organisation_id == organisation(session, organisation_slug).id)
            if municipality is not None:
                query = query.where(Demand.municipality_id == organisation(session, municipality).id)
            if call is not None:
                query = query.where(Demand.call_id == visibility.call(session, actor, call).id)
            return session.scalars(page(query, Demand.id, after, limit)).all()

    def like(self, title_ko: str, title_en: str = "") -> Sequence[Like]:
        """Open demands that say likely the same, to look at before one more is stated."""
        titles = [texts.line(title_ko, "title_ko"), texts.line(title_en, "title_en")]
        with self._database.read() as session:
            return _like(session, titles, 0)

    def _set(self, session: Session, actor: Actor, row: Demand, given: Mapping[str, Any]) -> None:
        for key in ("title_ko", "title_en"):
            if key in given:
                text = names.name(given[key], key) if key == "title_ko" else texts.line(given[key], key)
                setattr(row, key, text)
        for key in ("description_ko", "description_en", "outcome_ko", "outcome_en"):
            if key in given:
                setattr(row, key, texts.prose(given[key], key))
        if "theme" in given:
            row.theme = names.one_of(given["theme"], checks.THEMES, "theme")
        if "municipality" in given:
            row.municipality_id = _municipality(session, given["municipality"])
        if "sites" in given:
            row.sites = _sites(session, actor, given["sites"])
        if "area" in given:
            row.geojson = None if given["area"] is None else self._area(given["area"])

    def _area(self, geojson: Any) -> dict[str, Any]:
        bounds = self._settings
        return areas.read(
            geojson, "area", vertices_max=bounds.site_vertices, km2_max=bounds.demand_km2,
            vertices_setting="GOPS_SITE_VERTICES", km2_setting="GOPS_DEMAND_KM2",
        ).geojson  # fmt: skip

    def _note(self, session: Session, actor: Actor, action: str, row: Demand, **detail: Any) -> None:
        note(session, self._clock.micros(), actor, action, row, **detail)


def note(session: Session, now: int, actor: Actor, action: str, row: Demand, **detail: Any) -> None:
    """Audit and event of a change of a demand."""
    audit.record(session, now, actor, action, "demand", row.id, row.organisation_id, **detail)
    events.append(session, now, "demand.changed", demand=row.id)


def _like(session: Session, titles: Sequence[str], but: int) -> list[Like]:
    query = (
        select(Demand.id, Demand.title_ko, Demand.title_en, Demand.supports)
        .where(Demand.state.in_(("open", "taken_up")), Demand.id != but)
        .order_by(Demand.id.desc())
        .limit(COMPARED)
    )
    rows = {row.id: row for row in session.execute(query)}
    found = likely(titles, ((row.id, (row.title_ko, row.title_en)) for row in rows.values()), 5)
    return [Like(one, rows[one].title_ko, rows[one].title_en, rows[one].supports, round(score, 3))
            for one, score in found]  # fmt: skip


def _municipality(session: Session, slug: str | None) -> int | None:
    if slug is None:
        return None
    found = organisation(session, slug)
    if found.kind != "municipality":
        raise wrong("not_a_municipality", "municipality", slug, "the slug of a municipality")
    return found.id


def _sites(session: Session, actor: Actor, given: Any) -> list[int]:
    if not isinstance(given, list | tuple) or len(given) > SITES_MAX:
        raise wrong("invalid_value", "sites", given, f"a list of at most {SITES_MAX} ids of sites")
    return [visibility.site(session, actor, one).id for one in dict.fromkeys(given)]


def _let_go(session: Session, row: Demand, before: str) -> None:
    """A demand comes back from a call only when that was cancelled."""
    if before != "taken_up" or row.call_id is None:
        return
    call = session.get_one(Call, row.call_id)
    if call.state != "cancelled":
        raise Conflict(f"the call {call.slug} has taken up demand {row.id}", code="demand_taken_up", field="state",
                       found=call.state, expected="a call that was cancelled")  # fmt: skip
    row.call_id = None
