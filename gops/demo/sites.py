"""330 sites of the 31 municipalities. Generated and invented, but for the names and places of the two technovalleys."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gops.demo.province import MUNICIPALITIES, Municipality
from gops.demo.signals import chance

METRES_NORTH = 111_200.0
"""Of a degree of latitude."""
GOLDEN = math.pi * (3 - math.sqrt(5))
SPREAD_METRES = 600.0
"""Sites lie on a sunflower's spiral round the town hall, at least about so far apart: the largest do not touch."""
XY = tuple[float, float]


@dataclass(frozen=True)
class DemoSite:
    """``ring`` is closed, counterclockwise, of [longitude, latitude]; ``capacity`` by resource, of any week."""

    city: Municipality
    kind: str
    name_ko: str
    name_en: str
    ring: tuple[XY, ...]
    capacity: dict[str, int]

    @property
    def area(self) -> dict[str, Any]:
        return {"type": "Polygon", "coordinates": [[list(position) for position in self.ring]]}

    @property
    def details(self) -> dict[str, Any]:
        """What it has beside place and capacity; of most kinds there is nothing to say."""
        return DETAILS.get(self.kind, {})


@dataclass(frozen=True)
class Shape:
    """Half the size in metres, how much longer than wide, corners, the usable part of the area, and watts."""

    metres: tuple[float, float]
    longer: float
    corners: int
    usable: float
    watts: tuple[int, int]


SHAPES = {
    "urban_regeneration": Shape((130, 330), 1.3, 10, 0.01, (4_000, 30_000)),
    "technovalley": Shape((380, 400), 1.4, 12, 0.02, (60_000, 100_000)),
    "street": Shape((25, 40), 14.0, 6, 0.25, (2_000, 8_000)),
    "park": Shape((70, 160), 1.5, 9, 0.2, (2_000, 12_000)),
    "building": Shape((18, 35), 1.4, 4, 0.5, (10_000, 40_000)),
    "vacant_shop": Shape((5, 9), 1.5, 4, 0.8, (3_000, 7_000)),
}
DETAILS: dict[str, dict[str, Any]] = {
    "technovalley": {
        "zone": "autonomous_driving",
        "legal_basis": "자율주행자동차법 제7조 (시연)",
        "exemptions": ["유상 여객 운송 특례 (시연)"],
        "consent": "not_needed",
        "tags": ["lidar", "edge-server", "5g"],
        "bands": ["lora-920", "wifi-5g", "uwb-6g"],
        "equipment": [
            {"kind": "edge-server", "count": 4, "operator": True, "note": "GPU 1"},
            {"kind": "pole", "count": 40},
        ],
        "opening": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "06:00", "until": "22:00"}],
    },
    "street": {
        "consent": "given",
        "consent_note": "상인회 동의 (시연)",
        "tags": ["pedestrian"],
        "bands": ["lora-920"],
        "equipment": [{"kind": "pole", "count": 12, "note": "220 V"}],
        "opening": [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "09:00", "until": "21:00"}],
    },
    "vacant_shop": {"consent": "given", "tags": ["indoor"], "micro": {"keep": {"area_m2": 10}, "weeks": 2}},
}
DISTRICTS = (
    ("중앙", "Jungang"), ("역전", "Yeokjeon"), ("신흥", "Sinheung"), ("남문", "Nammun"), ("북문", "Bukmun"),
    ("동산", "Dongsan"), ("서정", "Seojeong"), ("상촌", "Sangchon"), ("구시장", "Old Market"), ("강변", "Gangbyeon"),
)  # fmt: skip
DISTRICTS_EVERYWHERE = 9
WITH_ALL_DISTRICTS = 11
OTHERS = (
    ("street", "문화의거리", "Culture Street"),
    ("park", "호수공원", "Lake Park"),
    ("building", "구청사 별관", "Former Town Hall Annexe"),
    ("vacant_shop", "중앙시장 빈점포", "Vacant Shop at the Central Market"),
)
WITH_TWO_OTHERS = 7
TECHNOVALLEYS = (
    ("seongnam", "판교테크노밸리", "Pangyo Techno Valley", 127.1052, 37.4012),
    ("goyang", "일산테크노밸리", "Ilsan Techno Valley", 126.7420, 37.6745),
)


def _all() -> Iterator[DemoSite]:
    for number, city in enumerate(MUNICIPALITIES):
        districts = DISTRICTS if number < WITH_ALL_DISTRICTS else DISTRICTS[:DISTRICTS_EVERYWHERE]
        named = [("urban_regeneration", f"{ko}지구 도시재생", f"{en} Regeneration District") for ko, en in districts]
        named += [OTHERS[(number + more) % len(OTHERS)] for more in range(2 if number < WITH_TWO_OTHERS else 1)]
        for place, (kind, name_ko, name_en) in enumerate(named):
            centre = _offset((city.longitude, city.latitude), _spiral(city, place))
            yield _site(city, kind, f"{city.name_ko} {name_ko}", f"{name_en}, {city.name_en}", centre)
    cities = {city.slug: city for city in MUNICIPALITIES}
    for slug, name_ko, name_en, longitude, latitude in TECHNOVALLEYS:
        yield _site(cities[slug], "technovalley", name_ko, name_en, (longitude, latitude))


def _site(city: Municipality, kind: str, name_ko: str, name_en: str, centre: XY) -> DemoSite:
    shape = SHAPES[kind]
    outline = _outline(name_en, shape)
    ring = tuple(_offset(centre, corner) for corner in (*outline, outline[0]))
    least, most = shape.watts
    watts = least + chance(name_en, "watts") * (most - least)
    capacity = {
        "area_m2": max(10, 10 * round(_square_metres(outline) * shape.usable / 10)),
        "power_w": 500 * round(watts / 500),
    }
    return DemoSite(city, kind, name_ko, name_en, ring, capacity)


def _outline(seed: str, shape: Shape) -> list[XY]:
    """Corners in metres from the centre, counterclockwise; seen from there in one turn, so no two sides cross."""
    least, most = shape.metres
    size = least + chance(seed, "size") * (most - least)
    turn = math.pi * chance(seed, "turn")
    corners = []
    for number in range(shape.corners):
        angle = 2 * math.pi * (number + 0.5 + 0.5 * (chance(seed, "angle", number) - 0.5)) / shape.corners
        far = size * (0.8 + 0.35 * chance(seed, "far", number))
        x, y = far * shape.longer**0.5 * math.cos(angle), far / shape.longer**0.5 * math.sin(angle)
        corners.append((x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)))
    return corners


def _spiral(city: Municipality, place: int) -> XY:
    """Metres from the town hall."""
    angle = GOLDEN * place + 2 * math.pi * chance(city.slug, "turn")
    away = SPREAD_METRES * math.sqrt(place + 0.5)
    return away * math.cos(angle), away * math.sin(angle)


def _offset(centre: XY, metres: XY) -> XY:
    longitude, latitude = centre
    east, north = metres
    wide = METRES_NORTH * math.cos(math.radians(latitude))
    return round(longitude + east / wide, 6), round(latitude + north / METRES_NORTH, 6)


def _square_metres(corners: list[XY]) -> float:
    pairs = zip(corners, [*corners[1:], corners[0]], strict=True)
    return abs(sum(x * later_y - later_x * y for (x, y), (later_x, later_y) in pairs)) / 2


SITES = tuple(_all())
