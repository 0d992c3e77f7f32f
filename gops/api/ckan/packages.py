"""Datasets as packages: found by name or id, and described."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gops.api.catalog.addresses import base
from gops.api.ckan.ids import PlatformIds
from gops.api.context import services
from gops.catalog import stating
from gops.catalog.model import Dataset
from gops.catalog.profiles import ckan
from gops.errors import Gone, NotFound
from gops.permissions import ANONYMOUS, missing


def ids() -> PlatformIds:
    return PlatformIds(base())


def of_package(one: str, noun: str = "package") -> Dataset:
    """The published dataset of a name or an id. Raises ``NotFound``."""
    number = ids().number("dataset", one)
    try:
        found: Dataset = services().datasets.get(ANONYMOUS, one if number is None else services().views.slug(number))
    except (NotFound, Gone) as error:
        raise missing(noun) from error
    return found


def packages(datasets: Sequence[Dataset]) -> list[dict[str, Any]]:
    """In their order."""
    views = services().views
    facts = views.stated(base(), datasets).datasets
    homes = {one.id: one for one in views.homes(sorted({one.organisation_id for one in datasets}))}
    found = []
    for dataset, each in zip(datasets, facts, strict=True):
        home = homes[dataset.organisation_id]
        found.append(ckan.package(each, ckan.Home(home.id, stating.agent(base(), home), home.created_at), ids()))
    return found
