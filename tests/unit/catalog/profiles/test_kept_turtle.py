"""Turtle of a catalog in blocks that are kept says what the whole document says."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from rdflib import Graph
from rdflib.compare import isomorphic

from gops.catalog.facts import Bilingual
from gops.catalog.profiles import dcat, turtle
from tests.unit.catalog.test_profiles_graph import HOSTILE, PAGE

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # rdflib's own


def test_kept_blocks_are_the_statements_of_the_json_ld() -> None:
    catalogs = turtle.Catalogs()
    one = replace(PAGE, datasets=(replace(PAGE.datasets[0], title=Bilingual(HOSTILE, HOSTILE)), *PAGE.datasets[1:]))
    for facts in (PAGE, PAGE, one, replace(PAGE, datasets=PAGE.datasets[::-1]), replace(PAGE, datasets=())):
        found = Graph().parse(data=catalogs.write(facts), format="turtle")
        assert isomorphic(found, Graph().parse(data=json.dumps(dcat.catalog(facts)), format="json-ld"))


def test_a_subject_of_several_datasets_is_written_once() -> None:
    one, other = PAGE.datasets
    facts = replace(PAGE, datasets=(one, replace(other, publisher=one.publisher)))
    text = turtle.Catalogs().write(facts).decode()
    assert text.count(f"\n<{one.publisher.iri}>") == 1


def test_no_more_datasets_are_kept_than_said() -> None:
    catalogs = turtle.Catalogs(kept=1)
    first = catalogs.write(PAGE)
    assert catalogs.write(PAGE) == first
    assert len(catalogs._kept) == 1
