"""What a call limits beyond capacity, as it stands now: who moves up from the reserve list keeps to it too.

Places per company, municipality and theme, and the budget. Shares and lower quotas were met by the round and take
nothing from anybody later. A joint pilot does not move up: the round gives its places to all of a group or to none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts.model import Organisation
from gops.testbed import details, limited, mechanisms
from gops.testbed.lifecycles import SLOTS_THAT_HOLD
from gops.testbed.model import Application, Call, Site, Slot
from gops.testbed.round_model import ApplicationMark


class Limits:
    """Of a call whose rows are held; ``take`` after each booking."""

    def __init__(self, session: Session, call: Call) -> None:
        asked = mechanisms.section(call.terms)
        limits = limited.present(session, asked["limits"])
        self._most = {(row["kind"], row["key"]): row["most"] for row in limits if row["most"] is not None}
        self._budget: int | None = asked["budget"]
        rows = session.execute(select(Organisation.id, Organisation.slug))
        self._slugs: dict[int, str] = {row.id: row.slug for row in rows}
        self._joint = _joint(session, call) if asked["groups"] else frozenset()
        self._placed: Counter[tuple[str, str]] = Counter()
        self._spent = 0
        held = select(Application, Site).join(Slot, Slot.application_id == Application.id)
        held = held.join(Site, Site.id == Slot.site_id)
        for application, site in session.execute(
            held.where(Application.call_id == call.id, Slot.state.in_(SLOTS_THAT_HOLD))
        ):
            self.take(application, site)

    def allow(self, application: Application, site: Site) -> bool:
        if application.id in self._joint:
            return False
        if self._budget is not None and self._spent + _cost(application) > self._budget:
            return False
        return all(self._placed[one] < self._of(one) for one in self._keys(application, site))

    def take(self, application: Application, site: Site) -> None:
        self._placed.update(self._keys(application, site))
        self._spent += _cost(application)

    def _of(self, one: tuple[str, str]) -> float:
        """What is named holds before "each"."""
        named = self._most.get(one, self._most.get((one[0], mechanisms.EACH)))
        return float("inf") if named is None else float(named)

    def _keys(self, application: Application, site: Site) -> list[tuple[str, str]]:
        theme = [] if application.theme is None else [("theme", application.theme)]
        return [
            ("company", self._slugs[application.organisation_id]),
            ("municipality", self._slugs[site.organisation_id]),
            *theme,
        ]


def _cost(application: Application) -> int:
    """KRW asked of the call."""
    funding: Mapping[str, Any] = details.of(application.details)["funding"]
    return int(funding.get("requested", 0))


def _joint(session: Session, call: Call) -> frozenset[int]:
    query = select(ApplicationMark.application_id).join(Application, Application.id == ApplicationMark.application_id)
    query = query.where(Application.call_id == call.id, ApplicationMark.group_name.is_not(None))
    return frozenset(session.scalars(query))
