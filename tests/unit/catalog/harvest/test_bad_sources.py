"""Sources that are broken or hostile: the run says what is wrong, and nothing is changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

import orjson
import pytest

from tests.unit.catalog.harvest.conftest import CONTEXT, Harvesting, said

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dct="http://purl.org/dc/terms/">
<rdf:Description rdf:about="https://x.example/d"><dct:title>&b;</dct:title></rdf:Description></rdf:RDF>"""
OUTSIDE = LAUGHS.replace(b'<!ENTITY a "ha">', b'<!ENTITY a SYSTEM "file:///etc/hostname">')


def deep(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (LAUGHS, "application/rdf+xml", "xml_entities"),
        (OUTSIDE, "application/rdf+xml", "xml_entities"),
        (b"<rdf:RDF", "application/rdf+xml", "unreadable_catalog"),
        ("<https://x.example/ㅁ> a <b>".encode("cp949"), "text/turtle", "bad_encoding"),
        (b"@prefix dcat: <http://www.w3.org/ns/dcat#> . x y z", "text/turtle", "unreadable_catalog"),
        (b"[" * 20_000, "text/turtle", "too_deep"),
        ('{"a": "수원"}'.encode("cp949"), "application/ld+json", "unreadable_catalog"),
        (deep(100), "application/ld+json", "too_deep"),
        (b'{"@context": "http://169.254.169.254/latest", "@id": "x:y"}', "application/ld+json", "remote_context"),
        (
            b'{"@context": [{"a": {"@id": "x:a", "@context": "http://10.0.0.1/"}}]}',
            "application/ld+json",
            "remote_context",
        ),
        (b'{"@context": {"@import": "http://10.0.0.1/"}}', "application/ld+json", "remote_context"),
        (b"{}", "application/ld+json", "unreadable_catalog"),
        (b"<html></html>", "text/html", "unsupported_media_type"),
    ],
)
def test_a_document_that_cannot_be_read_safely_is_not_read(
    harvesting: Harvesting, body: bytes, kind: str, code: str
) -> None:
    harvesting.site.put(body, kind=kind)
    run = harvesting.run()
    assert (run.outcome, run.code) == ("failed", code)
    assert [path for path, _ in harvesting.site.asked] == ["/catalog"]


def test_pages_are_followed_to_the_last(harvesting: Harvesting) -> None:
    harvesting.site.catalog(said("a"), following="?page=2")
    harvesting.site.catalog(said("b"), path="/catalog?page=2", following=f"{harvesting.site.url}/catalog?page=3")
    harvesting.site.catalog(said("c"), path="/catalog?page=3")
    run = harvesting.run()
    assert (run.outcome, run.pages, run.added) == ("done", 3, 3)


def test_pages_that_go_in_circles_are_noticed(harvesting: Harvesting) -> None:
    harvesting.site.catalog(said("a"), following="?page=2")
    harvesting.site.catalog(said("b"), path="/catalog?page=2", following="/catalog")
    run = harvesting.run()
    assert (run.outcome, run.code, run.added) == ("failed", "pages_loop", 0)


def test_pages_without_end_stop_at_the_bound(harvesting_with: Callable[..., Harvesting]) -> None:
    harvesting = harvesting_with(harvest_pages=3)
    for number in range(6):
        harvesting.site.catalog(said(f"d{number}"), path=f"/c{number}", following=f"/c{number + 1}")
    run = harvesting.run("/c0")
    assert (run.outcome, run.code) == ("failed", "too_many_pages")
    assert harvesting.datasets() == []


def test_a_page_that_breaks_off_leaves_everything_as_it_was(harvesting: Harvesting) -> None:
    harvesting.site.catalog(said("a"), said("b"))
    harvesting.run()
    harvesting.site.catalog(said("a", "neu"), following="/gone")
    run = harvesting.run()
    assert (run.outcome, run.code, run.changed) == ("failed", "source_status", 0)
    assert {one.title_ko for one in harvesting.datasets()} == {"대기질"}


@pytest.mark.parametrize(
    ("setting", "code"), [("harvest_statements", "too_many_statements"), ("harvest_datasets", "too_many_datasets")]
)
def test_a_catalog_over_a_bound_is_not_read(
    harvesting_with: Callable[..., Harvesting], setting: str, code: str
) -> None:
    harvesting = harvesting_with(**{setting: 20})
    harvesting.site.catalog(*(said(f"d{number}") for number in range(25)))
    run = harvesting.run()
    assert (run.outcome, run.code) == ("failed", code)
    assert f"GOPS_{setting.upper()}" not in (run.note or "")


def test_statements_are_bounded_over_all_pages(harvesting_with: Callable[..., Harvesting]) -> None:
    harvesting = harvesting_with(harvest_statements=60)
    for number in range(5):
        some = (said(f"d{number}-{one}") for one in range(5))
        harvesting.site.catalog(*some, path=f"/c{number}", following=f"/c{number + 1}")
    run = harvesting.run("/c0")
    assert run.code == "too_many_statements"
    assert 1 < len(harvesting.site.asked) < 5


def test_a_body_without_end_is_cut_off(harvesting_with: Callable[..., Harvesting]) -> None:
    def forever(request: BaseHTTPRequestHandler) -> None:
        with suppress(OSError):
            while True:
                request.wfile.write(b" " * 65_536)

    harvesting = harvesting_with(size=500_000)
    harvesting.site.put(forever)
    began = time.monotonic()
    assert harvesting.run().code == "answer_too_large"
    assert time.monotonic() - began < 5


def test_redirects_inside_are_refused(harvesting: Harvesting) -> None:
    harvesting.site.answers["/catalog"] = 302, {"Location": "http://169.254.169.254/latest/meta-data"}, b""
    assert harvesting.run().code == "address_refused"


def test_a_next_page_inside_is_refused(harvesting: Harvesting) -> None:
    harvesting.site.catalog(said("a"), following="http://10.0.0.1/catalog")
    assert harvesting.run().code == "address_refused"
    assert harvesting.datasets() == []


def test_redirects_in_circles_are_refused(harvesting: Harvesting) -> None:
    harvesting.site.answers["/catalog"] = 302, {"Location": "/catalog"}, b""
    assert harvesting.run().code == "bad_redirect"


def test_two_next_pages_are_no_way_to_go(harvesting: Harvesting) -> None:
    view = {"hydra:next": [{"@id": "/a"}, {"@id": "/b"}]}
    node = {"@context": CONTEXT, "@id": "x:c", "@type": "dcat:Catalog", "hydra:view": view}
    harvesting.site.put(orjson.dumps(node))
    assert harvesting.run().code == "pages_fork"


def packages(*some: Any, count: int | None = None) -> bytes:
    return orjson.dumps({"success": True, "result": {"count": len(some) if count is None else count, "results": some}})


def ask(start: int) -> str:
    return f"/api/3/action/package_search?q=%2A%3A%2A&sort=name+asc&rows=100&start={start}"


def test_packages_of_ckan_are_read_page_by_page(harvesting: Harvesting) -> None:
    some = [{"id": f"p{number}", "name": f"name-{number}", "title": f"제목 {number}"} for number in range(101)]
    for start in (0, 100):
        harvesting.site.put(packages(*some[start : start + 100], count=101), ask(start), "application/json")
    run = harvesting.run("", protocol="ckan")
    assert (run.outcome, run.pages, run.added) == ("done", 2, 101)


@pytest.mark.parametrize(
    ("first", "second", "outcome", "code"),
    [
        (
            packages({"id": "a", "title": "A"}, count=500),
            packages({"id": "a", "title": "A"}, count=500),
            "failed",
            "pages_loop",
        ),
        (packages({"id": "a", "title": "A"}, count=5), packages(count=5), "done", "not_whole"),
        (b"<html>", b"", "failed", "unreadable_catalog"),
        (b'{"success": false}', b"", "failed", "unreadable_catalog"),
        (b'{"success": true, "result": {"count": "9", "results": {}}}', b"", "failed", "unreadable_catalog"),
    ],
)
def test_a_ckan_that_is_none_or_has_no_end(
    harvesting: Harvesting, first: bytes, second: bytes, outcome: str, code: str
) -> None:
    harvesting.site.put(first, ask(0), "application/json")
    harvesting.site.put(second, ask(1), "application/json")
    run = harvesting.run("", protocol="ckan")
    assert (run.outcome, run.code) == (outcome, code)


def test_packages_that_are_none_are_refused_by_themselves(harvesting: Harvesting) -> None:
    harvesting.site.put(
        packages("text", {"name": "x"}, {"id": "a", "title": "A", "tags": 7, "extras": [1]}), ask(0), "application/json"
    )
    run = harvesting.run("", protocol="ckan")
    assert (run.added, [one["code"] for one in run.refusals]) == (1, ["no_package", "no_package"])
