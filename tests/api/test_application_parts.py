"""Over HTTP: questions and errata of a call, and what belongs to an application."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import World, problem
from tests.api.test_testbed import APPLICATION, CALL, Town

PDF = b"%PDF-1.7\n%%EOF\n"


@pytest.fixture
def town(world: World) -> Town:
    made = Town(world)
    made.site()
    made.call(terms=_terms())
    return made


def _terms() -> dict[str, Any]:
    return CALL["terms"] | {"rules": {"documents": ["plan"]}}


def upload(town: Town, application: int, who: str = "robots", query: str = "name=plan.pdf&kind=plan",
           content: bytes = PDF, kind: str = "application/pdf") -> Any:  # fmt: skip
    path = f"/applications/{application}/documents?{query}"
    return town.world.call("POST", path, who, data=content, content_type=kind)


def test_a_question_its_answer_and_an_erratum_are_public(town: Town) -> None:
    asked = town.made("POST", "/calls/spring/questions", "drones", {"text": "Is there water?"})
    assert "person_id" not in asked
    told = town.made("PUT", f"/calls/spring/questions/{asked['id']}/answer", "publisher", {"answer": "Yes."}, 200)
    assert town.get("/calls/spring/questions").json["items"] == [told]
    problem(town.send("POST", "/calls/spring/questions", None, {"text": "Hm?"}), 401, "unauthenticated")
    problem(town.send("PUT", f"/calls/spring/questions/{asked['id']}/answer", "robots", {"answer": "No."}), 403,
            "forbidden")  # fmt: skip
    body = {"text_ko": "오타", "text_en": "A slip", "title_en": "The call"}
    made = town.made("POST", "/calls/spring/errata", "publisher", body)
    assert made["changes"] == {"title_en": {"before": "Spring call", "after": "The call"}}
    assert town.get("/calls/spring/errata").json["items"] == [made]
    problem(town.send("POST", "/calls/spring/errata", "publisher", {"text_ko": "가", "text_en": "A"}), 422,
            "nothing_to_change", field=None)  # fmt: skip
    assert town.get("/calls/spring").json["questions_until"] < town.get("/calls/spring").json["closes_at"]


def test_a_document_is_an_attachment_for_those_who_see_the_application(town: Town) -> None:
    site = town.get("/sites").json["items"][0]["id"]
    application = town.apply(site, submitted=False, theme="safety", details={"technology": ["lidar"]})
    made = upload(town, application)
    assert made.status_code == 201, made.text
    path = f"/applications/{application}/documents/{made.json['id']}"
    assert made.headers["Location"].endswith(path)
    assert town.get(f"/applications/{application}/documents", "robots").json["items"] == [made.json]
    got = town.get(path, "robots")
    assert (got.data, got.content_type) == (PDF, "application/octet-stream")
    assert got.headers["Content-Disposition"] == "attachment; filename=plan.pdf"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in got.headers["Cache-Control"]
    for who, code in ((None, 401), ("drones", 404), ("publisher", 404)):  # a draft is the applicant's alone
        assert town.get(path, who).status_code in (code, 404)
    town.made("POST", f"/applications/{application}/state", "robots", {"state": "submitted", "nonce": "0" * 32}, 200)
    assert town.get(path, "publisher").data == PDF
    problem(town.world.call("DELETE", path, "robots"), 409, "not_a_draft", field="state")


def test_a_document_that_lies_is_a_problem_with_its_place(town: Town) -> None:
    site = town.get("/sites").json["items"][0]["id"]
    application = town.apply(site, submitted=False)
    problem(upload(town, application, kind="image/png"), 422, "document_lies", field="Content-Type")
    problem(upload(town, application, query="name=plan.docx"), 422, "document_lies", field="name")
    problem(upload(town, application, content=b""), 422, "empty_document", field="body")
    problem(upload(town, application, "drones"), 404, "not_found", field="application")
    problem(upload(town, application, query="kind=plan"), 422, "required", field="name")


def test_a_consortium_is_asked_and_answers_with_its_own_key(town: Town) -> None:
    site = town.get("/sites").json["items"][0]["id"]
    application = town.apply(site, submitted=False)
    path = f"/applications/{application}/members"
    asked = town.made("POST", path, "robots", {"organisation": "drones", "part": "flies"})
    assert (asked["state"], asked["part"]) == ("asked", "flies")
    problem(town.send("PUT", f"{path}/drones", "robots", {"state": "confirmed"}), 403, "forbidden")
    assert town.made("PUT", f"{path}/drones", "drones", {"state": "confirmed"}, 200)["state"] == "confirmed"
    assert [one["state"] for one in town.get(path, "drones").json["items"]] == ["confirmed"]
    assert town.world.call("DELETE", f"{path}/drones", "robots").status_code == 204
    assert town.get(path, "robots").json["items"] == []


def test_sites_say_why_not_and_duplicates_are_listed(town: Town) -> None:
    site = town.get("/sites").json["items"][0]["id"]
    like = {"theme": "safety", "details": {"technology": ["lidar"]}}
    one = town.apply(site, submitted=False, needs={"area_m2": 10**6}, **like)
    (fit,) = town.get(f"/applications/{one}/sites?language=ko", "robots").json["items"]
    assert (fit["site"], fit["feasible"], [why["title"] for why in fit["verdicts"]]) == (
        site, False, ["부지 용량이 항상 부족"]
    )  # fmt: skip
    two = town.apply(site, submitted=False, **like)
    upload(town, two)
    town.made("POST", f"/applications/{two}/state", "robots", {"state": "submitted", "nonce": "0" * 32}, 200)
    three = town.apply(site, submitted=False, **like)
    upload(town, three)
    handed_in = {"state": "submitted", "nonce": "1" * 32}
    told = town.made("POST", f"/applications/{three}/state", "robots", handed_in, 200)["duplicates"]
    assert [(one["id"], one["likeness"]) for one in told] == [(two, 100)]
    town.made("POST", f"/applications/{three}/state", "robots", {"state": "withdrawn"}, 200)
    (found,) = town.get(f"/applications/{one}/duplicates", "robots").json["items"]
    assert (found["id"], found["likeness"], found["call"]) == (two, 100, "spring")
    assert found["title"] == APPLICATION["title"]
