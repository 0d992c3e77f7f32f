"""The demo's open data: what each municipality publishes of its devices.

Suwon and Seongnam publish by topic, the others one dataset each. A dataset lists the demo's own Datastreams, so that
what somebody else adds beside them stays as private as they left it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gops.catalog.metadata import Metadata
from gops.demo.fleet import SEONGNAM, SUWON
from gops.demo.province import Municipality
from gops.errors import NotFound
from gops.permissions import Actor

if TYPE_CHECKING:
    from gops.record_services import Records

LICENCE = "kogl-1"


@dataclass(frozen=True)
class Topic:
    """``properties``: keys of what it holds; empty for all."""

    key: str
    title_ko: str
    title_en: str
    theme: str
    keywords: tuple[str, ...]
    properties: frozenset[str] = frozenset()


def _topic(key: str, title_ko: str, title_en: str, theme: str, keywords: str, properties: str = "") -> Topic:
    return Topic(key, title_ko, title_en, theme, tuple(keywords.split()), frozenset(properties.split()))


WHOLE = _topic("city", "도시 데이터", "City data", "regions", "도시 센서 대기 기상 교통")
TOPICS = (
    _topic("air", "대기질", "Air quality", "environment", "대기 미세먼지 air", "pm10 pm25 o3 no2"),
    _topic("weather", "기상 관측", "Weather", "environment", "기상 기온 weather",
           "temperature humidity pressure wind_speed wind_direction rainfall"),
    _topic("noise", "소음", "Noise", "environment", "소음 noise", "noise_level"),
    _topic("water", "하천", "Rivers", "environment", "하천 수위 river", "river_level water_temperature"),
    _topic("streets", "교통·주차·보행", "Traffic, parking and people", "transport", "교통 주차 보행 traffic parking",
           "traffic_volume traffic_speed parking_free parking_occupied footfall rented_bikes"),
    _topic("facilities", "공공시설", "Public facilities", "energy", "전력 폐기물 energy waste",
           "waste_level power energy"),
)  # fmt: skip
BY_TOPIC = (SUWON, SEONGNAM)


def publish(
    services: Records, actor: Actor, city: Municipality, observed: Sequence[tuple[int, str]], *, changed: bool
) -> None:
    """Offer and publish the datasets of a municipality. ``observed``: its Datastreams and their properties.

    ``changed``: some of them are new, so that datasets that stand take them in.
    """
    for topic, ids in _chosen(city, observed):
        slug = f"{city.slug}-{topic.key}"
        try:
            found = services.datasets.get(actor, slug)
        except NotFound:
            found = services.datasets.create(actor, city.slug, slug, datastreams=ids, described=_metadata(city, topic))
        else:
            if changed:
                services.datasets.edit(actor, slug, {"datastreams": ids})
        if found.state == "draft":
            services.datasets.publish(actor, slug)


def _chosen(city: Municipality, observed: Sequence[tuple[int, str]]) -> Iterator[tuple[Topic, list[int]]]:
    for topic in TOPICS if city in BY_TOPIC else (WHOLE,):
        ids = sorted(one for one, key in observed if not topic.properties or key in topic.properties)
        if ids:
            yield topic, ids


def _metadata(city: Municipality, topic: Topic) -> Metadata:
    every_ten = city in BY_TOPIC
    return Metadata(
        title_ko=f"{city.name_ko} {topic.title_ko}",
        title_en=f"{topic.title_en} of {city.name_en}",
        description_ko=f"{city.name_ko} 시연용 센서의 {topic.title_ko} 자료이며 모의 생성된 값입니다.",
        description_en=f"{topic.title_en} from the demo's sensors in {city.name_en}. Simulated, not measured.",
        licence=LICENCE,
        theme=topic.theme,
        keywords=[*topic.keywords, city.name_ko, city.name_en, "demo"],
        contact_name=f"{city.name_ko} 데이터 담당",
        contact_email=city.publisher,
        frequency="continuous" if every_ten else "hourly",
        personal_data="none",
    )
