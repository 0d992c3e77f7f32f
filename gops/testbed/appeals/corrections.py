"""What an appeal asks for and what an upheld one changes: an input of the round, never its outcome.

========== ================================= ==============================================
about      ``claimed``, ``correction``        changes
========== ================================= ==============================================
score      {"score": 0..10000}               the application's score (its arithmetic)
eligibility {"score": 0..10000} where none is the verdicts at ``site``, or against the whole
capacity   {"resource", "amount"}, ``site``  what the site has in any week
conflict   {"score": 0..10000}               the score, without the evaluator concerned
reason     {}                                nothing: the reasons are written anew
========== ================================= ==============================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from gops.accounts.checks import one_of, whole
from gops.testbed import checks, lifecycles
from gops.testbed.allocation.instance import SCORE_MAX
from gops.testbed.appeals.model import Appeal
from gops.testbed.judging import open_sites
from gops.testbed.lifecycles import APPLICATION
from gops.testbed.model import Application, Site
from gops.testbed.review import municipal

ABOUT = ("score", "eligibility", "capacity", "conflict", "reason")
BY_SILENCE = ("score", "reason")
"""What is upheld where nobody answers in time: it can be checked by arithmetic. The rest goes to the panel."""
KEYS: Mapping[str, tuple[str, ...]] = {
    "score": ("score",),
    "eligibility": ("score",),
    "capacity": ("resource", "amount"),
    "conflict": ("score",),
    "reason": (),
}
Values = dict[str, Any]


def read(
    about: str, given: Mapping[str, Any] | None, field: str, needed: tuple[str, ...], known: Sequence[str]
) -> Values:
    """The clean values. ``needed``: keys that must be there; ``known``: the resources. Raises ``Invalid``."""
    values = dict(given or {})
    for key in values:
        if key not in KEYS[about]:
            raise checks.wrong("unknown_field", f"{field}.{key}", key, "one of " + ", ".join(KEYS[about]) or "nothing")
    for key in needed:
        if key not in values:
            raise checks.wrong("appeal_incomplete", f"{field}.{key}", None, f"{key}, as the input should be")
    return {key: _clean(key, value, f"{field}.{key}", known) for key, value in values.items()}


def claimed_keys(about: str) -> tuple[str, ...]:
    """What must be claimed: silence would uphold a score, and a capacity has a name and an amount."""
    return KEYS[about] if about in ("score", "capacity") else ()


def corrected_keys(about: str, application: Application) -> tuple[str, ...]:
    """What an upheld appeal must say."""
    return () if about == "eligibility" and application.score is not None else KEYS[about]


def _clean(key: str, value: Any, field: str, known: Sequence[str]) -> Any:
    if key == "resource":
        return one_of(value, known, field)
    return whole(value, 0, SCORE_MAX if key == "score" else checks.AMOUNT_MAX, field)


def apply(session: Session, appeal: Appeal) -> None:
    """Correct the input. The application and the site are held until the unit ends."""
    lock = {"key_share": True}
    application = session.get_one(Application, appeal.application_id, with_for_update=lock)
    values = appeal.correction
    if appeal.about == "capacity" and appeal.site_id is not None:
        site = session.get_one(Site, appeal.site_id, with_for_update=lock)
        site.capacity = {**site.capacity, values["resource"]: values["amount"]}
    elif appeal.about == "eligibility":
        _admit(application, appeal.site_id, values)
    elif "score" in values:
        application.score = values["score"]
        municipal.correct(session, application, values["score"])


def _admit(application: Application, site: int | None, values: Values) -> None:
    application.verdicts = [verdict for verdict in application.verdicts if verdict["site"] != site]
    if application.state != "ineligible" or not open_sites(application):
        return
    lifecycles.move(APPLICATION, application, "eligible")
    application.score = values.get("score", application.score)
    lifecycles.move(APPLICATION, application, "scored")
