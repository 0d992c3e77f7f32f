"""Notices: who is told, once, in which language; sent, tried again, given up; and never in the way of a change."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select

from gops.clock import HOUR, FixedClock
from gops.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from gops.notify.channels import Queued
from gops.notify.model import Notice, NoticeHook
from gops.notify.sending import Sender
from gops.notify.service import Notices
from gops.notify.telling import APPLICANTS, Tiding, tell
from gops.notify.templates import CLOCKS, TEMPLATES, render
from gops.outbound import Outbound
from gops.permissions import ANONYMOUS, Actor
from gops.records.database import Database
from gops.settings import Settings
from tests.conftest import People

FACTS: dict[str, Any] = {
    "call": {"ko": "실증 공고", "en": "A call"}, "call_slug": "spring", "application": "Sweeping {robots}",
    "application_id": 7, "site": {"ko": "시청 앞", "en": "City hall"}, "lapses_at": 1_784_127_600_000_000,
}  # fmt: skip


class Post:
    """Both channels: what came through, and what to raise instead."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, str, str]] = []
        self.hooks: list[tuple[str, str, bytes, str]] = []
        self.problem: Exception | None = None

    def put(self, to: str, subject: str, text: str) -> None:
        if self.problem:
            raise self.problem
        self.letters.append((to, subject, text))

    def send(self, url: str, secret: str, body: bytes, delivery: str) -> None:
        if self.problem:
            raise self.problem
        self.hooks.append((url, secret, body, delivery))


class House:
    """A company with an owner, an applicant and a viewer; what is told to it goes to ``post``."""

    def __init__(self, database: Database, clock: FixedClock, settings: Settings, people: People) -> None:
        self.database, self.clock, self.people = database, clock, people
        self.post = Post()
        self.home = people.organisation("robots", "company")
        self.owner = people.actor(self.home, "owner")
        self.applicant = people.actor(self.home, "applicant")
        self.viewer = people.actor(self.home, "viewer")
        self.service = Notices(database, clock, settings, Outbound.of(settings))
        self.sender = Sender(database, clock, settings, self.post, self.post, threading.Event())  # type: ignore[arg-type]

    def tell(self, event: str = "offer.made", subject: int = 7, **more: Any) -> None:
        with self.database.write() as session:
            tell(session, self.clock.micros(), Tiding(event, subject, self.home.id, APPLICANTS, FACTS | more))

    def rows(self) -> list[Notice]:
        with self.database.read() as session:
            return list(session.scalars(select(Notice).order_by(Notice.id)))

    def address(self, actor: Actor) -> str:
        return self.people.person_of(actor).email or ""


@pytest.fixture
def house(database: Database, clock: FixedClock, settings: Settings, people: People) -> House:
    return House(database, clock, settings, people)


@pytest.fixture
def either_house(either_database: Database, clock: FixedClock, settings: Settings, people_of: Any) -> House:
    return House(either_database, clock, settings, people_of(either_database))


def test_each_is_told_in_their_language(either_house: House) -> None:
    house = either_house
    house.service.set_wish(house.applicant, "en", mail=True)
    house.tell()
    assert house.sender.run() == 2
    (first, korean, text), (second, english, _) = house.post.letters
    assert (first, second) == (house.address(house.owner), house.address(house.applicant))
    assert korean == "[GOPS] 실증 부지가 제안되었습니다: Sweeping {robots}"
    assert english == "[GOPS] A site is offered: Sweeping {robots}"
    assert "2026-07-16 00:00 KST까지 수락하지 않으면" in text
    assert [row.state for row in house.rows()] == ["sent", "sent"]
    assert house.sender.run() == 0


def test_the_same_is_told_once_an_hour(either_house: House) -> None:
    for _ in range(3):
        either_house.tell()
    either_house.tell(subject=8)
    assert len(either_house.rows()) == 4
    either_house.clock.move(hours=1)
    either_house.tell()
    assert len(either_house.rows()) == 6


def test_who_wants_no_letters_gets_none(house: House) -> None:
    house.service.set_wish(house.owner, "ko", mail=False)
    house.tell()
    house.service.set_wish(house.applicant, "ko", mail=False)
    house.sender.run()
    assert (house.post.letters, [row.state for row in house.rows()]) == ([], ["dead"])


def test_a_change_that_fails_tells_nothing(house: House) -> None:
    def fail() -> None:
        with house.database.write() as session:
            tell(session, house.clock.micros(), Tiding("offer.made", 1, house.home.id, APPLICANTS))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert house.rows() == []


def test_what_cannot_go_now_is_tried_for_a_day_and_then_listed(house: House) -> None:
    house.tell()
    house.post.problem = Unavailable("the mail server is away", code="host_unreachable")
    assert (house.sender.run(), house.sender.run()) == (2, 0)
    tries = 1
    while house.rows()[0].state == "waiting":
        house.clock.move(hours=4)
        tries += house.sender.run() > 0
    assert 5 <= tries <= 8
    dead = house.service.list(house.owner, state="dead")
    assert [row.problem for row in dead] == ["host_unreachable: the mail server is away"] * 2
    house.post.problem = None
    house.service.retry(house.owner, dead[1].id)
    house.sender.run()
    assert [row.state for row in house.rows()] == ["dead", "sent"]
    with pytest.raises(Conflict):
        house.service.retry(house.owner, dead[1].id)


def test_an_address_that_is_refused_is_given_up_at_once(house: House) -> None:
    house.tell()
    house.post.problem = Invalid("no such box", code="mail_refused")
    house.sender.run()
    assert {(row.state, row.attempts) for row in house.rows()} == {("dead", 1)}


def test_what_a_killed_process_had_claimed_goes_later(house: House) -> None:
    house.tell()
    assert len(house.sender._claim()) == 2
    assert house.sender.run() == 0
    house.clock.move(minutes=16)
    assert house.sender.run() == 2


def test_an_organisations_programs_are_told_too(house: House) -> None:
    with house.database.write() as session:
        session.add(NoticeHook(organisation_id=house.home.id, url="https://robots.example/hook", secret="s" * 20))
    house.tell()
    house.sender.run()
    ((url, secret, body, delivery),) = house.post.hooks
    assert (url, secret, delivery) == ("https://robots.example/hook", "s" * 20, f"notice-{house.rows()[-1].id}")
    assert b'"event":"offer.made"' in body
    assert "실증 부지가 제안되었습니다".encode() in body


def test_a_webhook_is_set_by_the_owner_and_checked(house: House) -> None:
    for url in ("http://127.0.0.1/x", "ftp://robots.example/", "nonsense"):
        with pytest.raises(Invalid):
            house.service.set_hook(house.owner, "robots", url)
    for actor, kind in ((house.applicant, Forbidden), (ANONYMOUS, Unauthenticated)):
        with pytest.raises(kind):
            house.service.set_hook(actor, "robots", "https://robots.example/")
        with pytest.raises(kind):
            house.service.hook(actor, "robots")
    assert house.service.hook(house.owner, "robots") is None
    with pytest.raises(NotFound):
        house.service.drop_hook(house.owner, "robots")


def test_notices_are_seen_by_whom_they_are_to_and_by_owners(house: House) -> None:
    house.tell()
    operator = house.people.operator()
    found = [len(house.service.list(who)) for who in (house.owner, house.applicant, house.viewer, operator)]
    assert found == [2, 1, 0, 2]
    with pytest.raises(Unauthenticated):
        house.service.list(ANONYMOUS)
    with pytest.raises(NotFound):
        house.service.retry(house.viewer, house.rows()[0].id)


def test_letters_that_must_not_wait_are_kept_and_sent(house: House, settings: Settings) -> None:
    Queued(house.database, house.clock, settings).put("kim@example.kr", "키", "text")
    house.sender.run()
    assert house.post.letters == [("kim@example.kr", "키", "text")]


def test_old_notices_are_forgotten(house: House) -> None:
    house.tell()
    house.clock.move(microseconds=90 * 24 * HOUR + 1)
    house.tell(subject=9)
    house.sender.forget_old()
    assert [row.subject_id for row in house.rows()] == [9, 9]


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("event", sorted(TEMPLATES))
def test_every_template_is_filled_in_both_languages(settings: Settings, event: str, language: str) -> None:
    subject, text = render(event, FACTS, language, settings.zone)
    assert subject.startswith("[GOPS] ")
    assert "\n" not in subject
    assert "{" not in (subject + text).replace("{robots}", "")
    other = render(event, FACTS, "en" if language == "ko" else "ko", settings.zone)
    assert other[0] != subject


def test_an_event_without_a_template_is_told_by_its_facts(settings: Settings) -> None:
    assert render("moon.full", {"a": 1}, "ko", settings.zone) == ("[GOPS] moon.full", "a: 1\n")


def test_every_clock_has_words(settings: Settings) -> None:
    from gops.testbed.clock_table import clock_table

    known = {one.name for one in clock_table(settings) if one.announced}
    assert known - set(CLOCKS) == set()
