"""The demo's devices: what they are called, where they stand, and what they measure."""

from __future__ import annotations

from dataclasses import dataclass

from gops.demo import signals
from gops.demo.signals import Signal

PERIOD_SECONDS = 10
"""How often every device sends."""


@dataclass(frozen=True)
class Field:
    """A field of a device's messages and the Datastream behind it. A number outside ``low`` .. ``high`` is suspect."""

    name: str
    observed_property: str
    signal: Signal
    sensor: str
    digits: int = 1
    low: float | None = None
    high: float | None = None
    label: str = "instant"


@dataclass(frozen=True)
class City:
    slug: str
    name_ko: str
    name_en: str
    publisher: str  # mail address


@dataclass(frozen=True)
class DemoDevice:
    city: City
    name: str
    name_ko: str
    name_en: str
    longitude: float
    latitude: float
    fields: tuple[Field, ...]

    @property
    def address(self) -> str:
        return f"{self.city.slug}/{self.name}"


SUWON = City("suwon", "수원시", "Suwon", "data@suwon.example")
SEONGNAM = City("seongnam", "성남시", "Seongnam", "data@seongnam.example")
CITIES = (SUWON, SEONGNAM)

AIR = (
    Field("pm10", "pm10", signals.pm10, "Beta-ray particle monitor", 0, 0, 600),
    Field("pm25", "pm25", signals.pm25, "Beta-ray particle monitor", 0, 0, 400),
    Field("o3", "o3", signals.o3, "UV ozone analyser", 4, 0, 0.5),
    Field("no2", "no2", signals.no2, "Chemiluminescence NOx analyser", 4, 0, 0.5),
)
WEATHER = (
    Field("temperature", "temperature", signals.temperature, "Pt100 in a radiation shield", 1, -35, 45),
    Field("humidity", "humidity", signals.humidity, "Capacitive hygrometer", 0, 0, 100),
    Field("pressure", "pressure", signals.pressure, "Piezo barometer", 1, 900, 1080),
    Field("wind_speed", "wind_speed", signals.wind_speed, "Ultrasonic anemometer", 1, 0, 60),
    Field("wind_direction", "wind_direction", signals.wind_direction, "Ultrasonic anemometer", 0, 0, 360),
    Field("rainfall", "rainfall", signals.rainfall, "Weighing rain gauge", 3, 0, 5, "end"),
)
NOISE = (Field("noise", "noise_level", signals.noise_level, "Class 1 sound level meter", 1, 20, 130),)
RIVER = (
    Field("level", "river_level", signals.river_level, "Radar level gauge", 2, 0, 8),
    Field("water_temperature", "water_temperature", signals.water_temperature, "Submersible thermistor", 1, -1, 40),
)
PEOPLE = (Field("people", "footfall", signals.footfall, "Stereo people counter", 0, 0, 200, "end"),)


def _car_park(spaces: int, peak: float) -> tuple[Field, ...]:
    return (
        Field("free", "parking_free", signals.parking_free(spaces, peak), "Barrier counter", 0, 0, spaces),
        Field("space_1", "parking_occupied", signals.parking_occupied, "Magnetic space sensor"),
    )


FLEET = (
    DemoDevice(SUWON, "air-ingye", "인계동 대기측정소", "Air station Ingye-dong", 127.0287, 37.2634, AIR),
    DemoDevice(SUWON, "air-gwanggyo", "광교 대기측정소", "Air station Gwanggyo", 127.0520, 37.2880, AIR),
    DemoDevice(SUWON, "air-station", "수원역 대기측정소", "Air station Suwon Station", 127.0001, 37.2660, AIR),
    DemoDevice(SUWON, "weather-paldal", "팔달산 기상관측소", "Weather station Paldalsan", 127.0104, 37.2777, WEATHER),
    DemoDevice(SUWON, "weather-yeongtong", "영통 기상관측소", "Weather station Yeongtong", 127.0711, 37.2516, WEATHER),
    DemoDevice(SUWON, "noise-haenggung", "행궁동 소음측정기", "Noise meter Haenggung-dong", 127.0137, 37.2818, NOISE),
    DemoDevice(SUWON, "noise-station", "수원역 소음측정기", "Noise meter Suwon Station", 127.0003, 37.2668, NOISE),
    DemoDevice(SUWON, "parking-cityhall", "시청 주차장", "Car park City Hall", 127.0292, 37.2628, _car_park(420, 11)),
    DemoDevice(
        SUWON, "parking-hwaseong", "화성행궁 주차장", "Car park Hwaseong", 127.0150, 37.2826, _car_park(180, 14.5)
    ),
    DemoDevice(SUWON, "river-suwoncheon", "수원천 수위계", "River gauge Suwoncheon", 127.0180, 37.2778, RIVER),
    DemoDevice(SUWON, "people-nammun", "남문시장 보행량 계수기", "People counter Nammun", 127.0169, 37.2766, PEOPLE),
    DemoDevice(SEONGNAM, "air-pangyo", "판교 대기측정소", "Air station Pangyo", 127.1086, 37.4021, AIR),
    DemoDevice(SEONGNAM, "air-moran", "모란 대기측정소", "Air station Moran", 127.1291, 37.4322, AIR),
    DemoDevice(SEONGNAM, "weather-pangyo", "판교 기상관측소", "Weather station Pangyo", 127.1112, 37.3948, WEATHER),
    DemoDevice(SEONGNAM, "noise-pangyo", "판교역 소음측정기", "Noise meter Pangyo Station", 127.1110, 37.3950, NOISE),
    DemoDevice(SEONGNAM, "noise-seohyeon", "서현역 소음측정기", "Noise meter Seohyeon", 127.1234, 37.3850, NOISE),
    DemoDevice(SEONGNAM, "parking-pangyo", "판교 공영주차장", "Car park Pangyo", 127.1076, 37.4013, _car_park(260, 12)),
    DemoDevice(
        SEONGNAM, "parking-jeongja", "정자 공영주차장", "Car park Jeongja", 127.1083, 37.3661, _car_park(150, 20)
    ),
    DemoDevice(SEONGNAM, "river-tancheon", "탄천 수위계", "River gauge Tancheon", 127.1240, 37.4105, RIVER),
    DemoDevice(SEONGNAM, "people-pangyo", "판교 보행량 계수기", "People counter Pangyo", 127.1118, 37.3944, PEOPLE),
)
