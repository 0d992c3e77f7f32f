"""The demo's demand board, and the action cluster of one accepted pilot. All of it is invented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gops.demo.province import MUNICIPALITIES
from gops.demo.registry import MARK, OPERATOR, publisher
from gops.permissions import Actor

if TYPE_CHECKING:
    from gops.record_services import Records
    from gops.testbed.clusters.service import Shown


@dataclass(frozen=True)
class DemoDemand:
    """``sites``: how many of the municipality's own it names, the first ones."""

    city: str
    theme: str
    title: tuple[str, str]
    description: tuple[str, str]
    outcome: tuple[str, str]
    sites: int = 0


DEMANDS = (
    DemoDemand(
        "suwon",
        "environment",
        ("초등학교 통학로 미세먼지 저감", "Cleaner air on the way to school"),
        (
            "등하교 시간에 통학로의 미세먼지 농도가 주변보다 높습니다. 차량 공회전과 좁은 골목이 원인으로 보입니다.",
            "There is more fine dust on the way to school than around it when children come and go: idling cars.",
        ),
        ("등하교 시간 PM10 농도를 20 % 낮춥니다.", "PM10 is 20 % lower at the hours of school."),
        2,
    ),
    DemoDemand(
        "seongnam",
        "mobility",
        ("퇴근 시간 공영주차장 빈자리 안내", "Free parking spaces in the evening peak"),
        (
            "판교역 주변 공영주차장이 퇴근 시간에 가득 차 빈자리를 찾는 차량이 도로를 막습니다.",
            "Car parks near Pangyo Station are full in the evening, and cars that look for a space block the street.",
        ),
        ("주차장을 찾는 시간을 평균 5분 줄입니다.", "Drivers find a space five minutes sooner on average."),
        1,
    ),
    DemoDemand(
        "anyang",
        "safety",
        ("집중호우 때 지하차도 침수 조기 경보", "Early warning of flooded underpasses"),
        (
            "집중호우가 내리면 지하차도에 물이 차는 것을 늦게 알게 됩니다.",
            "When it pours, water in the underpasses is noticed late.",
        ),
        ("침수 10분 전에 차량 진입을 막습니다.", "Cars are kept out ten minutes before the water rises."),
    ),
)


def state_demands(services: Records) -> None:
    """Those of municipalities that are there, once each by their title."""
    cities = {city.slug: city for city in MUNICIPALITIES}
    there = {home.slug for home in services.organisations.list(limit=1000)}
    for one in (row for row in DEMANDS if row.city in there):
        actor = publisher(services, cities[one.city])
        if one.title[0] in {row.title_ko for row in services.demands.list(actor, organisation_slug=one.city)}:
            continue
        sites = [site.id for site in services.sites.list(OPERATOR, one.city, limit=one.sites)] if one.sites else []
        made, _alike = services.demands.create(
            actor,
            one.city,
            title_ko=one.title[0],
            title_en=one.title[1],
            description_ko=f"{one.description[0]} (시연용으로 지어낸 수요입니다.)",
            description_en=f"{one.description[1]} ({MARK})",
            outcome_ko=one.outcome[0],
            outcome_en=one.outcome[1],
            theme=one.theme,
            sites=sites,
        )
        services.demands.move(actor, made.id, "open")


def carry_through(services: Records, actor: Actor, cluster: Shown) -> None:
    """The cluster says what it is for, its municipality confirms, and it begins. ``actor``: its applicant."""
    one = cluster.cluster
    services.clusters.edit(
        actor,
        one.id,
        {
            "goal": "safer-streets",
            "solution": "street-sensing",
            "purpose": f"보행자가 안전한 거리를 만들고 효과를 공공 센서로 확인합니다. 시연용입니다. ({MARK})",
            "kpis": [
                {"name": "위험 상황 (hazards a week)", "unit": "1/wk", "baseline": 12, "target": 6},
                {"name": "보행량 (people a day)", "unit": "1/d", "baseline": None, "target": None},
            ],
            "milestones": [
                {"title": "기준선 측정 (baseline measured)", "due": "2027-02-01", "state": "planned"},
                {"title": "중간 점검 (mid-term review)", "due": "2027-04-05", "state": "planned"},
            ],
        },
    )
    homes = {city.slug: city for city in MUNICIPALITIES}
    invited = [row for row in services.clusters.get(actor, one.id).members if row.state == "invited"]
    slugs = {home.id: home.slug for home in services.organisations.list(limit=1000)}
    for row in invited:
        slug = slugs[row.organisation_id]
        services.clusters.answer(publisher(services, homes[slug]), one.id, slug, True)
    services.clusters.move(actor, one.id, "active")
