"""Devices of all 31 municipalities that report once an hour. Generated: names, kinds and places follow a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gops.demo import instruments
from gops.demo.fleet import DemoDevice
from gops.demo.instruments import Fields
from gops.demo.province import MUNICIPALITIES, Municipality
from gops.demo.signals import chance

HOUR_SECONDS = 3600
KM_NORTH = 1 / 111.2
"""Degrees of latitude in a kilometre."""


@dataclass(frozen=True)
class Kind:
    """``names`` of a device, after its municipality's; ``away`` (km) how far from the town hall it may stand."""

    name: str
    name_ko: str
    name_en: str
    fields: Callable[[Municipality], Fields]
    away: float = 2.0


def _always(fields: Fields) -> Callable[[Municipality], Fields]:
    return lambda _city: fields


def _spaces(city: Municipality) -> Fields:
    return (instruments.free_spaces(80 + int(chance(city.slug, "spaces") * 32) * 10, 11 + 3 * chance(city.slug)),)


KINDS = (
    Kind("air-centre", "중심가 대기측정소", "air station, town centre", _always(instruments.HOURLY_AIR)),
    Kind("weather-park", "중앙공원 기상관측소", "weather station, central park", _always(instruments.HOURLY_WEATHER)),
    Kind("noise-crossing", "중앙사거리 소음측정기", "noise meter, central crossing", _always(instruments.NOISE), 1.0),
    Kind("parking-transfer", "환승주차장", "park-and-ride car park", _spaces),
    Kind("river-bridge", "하천교 수위계", "river gauge at the bridge", _always(instruments.RIVER), 3.0),
    Kind("traffic-gateway", "관문교차로 교통량 측정기", "traffic counter, gateway", _always(instruments.TRAFFIC), 3.0),
)
"""One of each in every municipality."""
EXTRAS = (
    Kind("people-market", "전통시장 보행량 계수기", "people counter, market", _always(instruments.HOURLY_PEOPLE), 1.0),
    Kind("bikes-terminal", "터미널 자전거 대여소", "bicycle rental, terminal", _always(instruments.BIKES), 1.5),
    Kind("waste-market", "전통시장 쓰레기통", "waste container, market", _always(instruments.WASTE), 1.0),
    Kind("energy-library", "시립도서관 전력계", "power meter, public library", _always(instruments.ENERGY), 1.5),
)
"""One or two of these."""
WITH_TWO_EXTRAS = 13


def _all() -> Iterator[DemoDevice]:
    for number, city in enumerate(MUNICIPALITIES):
        extras = [EXTRAS[(number + more) % len(EXTRAS)] for more in range(2 if number < WITH_TWO_EXTRAS else 1)]
        for kind in (*KINDS, *extras):
            yield _device(city, kind)


def _device(city: Municipality, kind: Kind) -> DemoDevice:
    away = kind.away * math.sqrt(chance(city.slug, kind.name, "away"))
    way = 2 * math.pi * chance(city.slug, kind.name, "way")
    east, north = away * math.cos(way), away * math.sin(way)
    return DemoDevice(
        city,
        kind.name,
        f"{city.name_ko} {kind.name_ko}",
        f"{city.name_en} {kind.name_en}",
        round(city.longitude + east * KM_NORTH / math.cos(math.radians(city.latitude)), 5),
        round(city.latitude + north * KM_NORTH, 5),
        kind.fields(city),
        HOUR_SECONDS,
    )


HOURLY = tuple(_all())
