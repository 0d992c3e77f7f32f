"""What the demo's devices measure: fields of their messages, by kind of device. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

from gops.demo import signals
from gops.demo.signals import Signal


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


Fields = tuple[Field, ...]


def _air(label: str) -> Fields:
    return (
        Field("pm10", "pm10", signals.pm10, "Beta-ray particle monitor", 0, 0, 600, label),
        Field("pm25", "pm25", signals.pm25, "Beta-ray particle monitor", 0, 0, 400, label),
        Field("o3", "o3", signals.o3, "UV ozone analyser", 4, 0, 0.5, label),
        Field("no2", "no2", signals.no2, "Chemiluminescence NOx analyser", 4, 0, 0.5, label),
    )


def _weather(rain: Signal, most: float) -> Fields:
    return (
        Field("temperature", "temperature", signals.temperature, "Pt100 in a radiation shield", 1, -35, 45),
        Field("humidity", "humidity", signals.humidity, "Capacitive hygrometer", 0, 0, 100),
        Field("pressure", "pressure", signals.pressure, "Piezo barometer", 1, 900, 1080),
        Field("wind_speed", "wind_speed", signals.wind_speed, "Ultrasonic anemometer", 1, 0, 60),
        Field("wind_direction", "wind_direction", signals.wind_direction, "Ultrasonic anemometer", 0, 0, 360),
        Field("rainfall", "rainfall", rain, "Weighing rain gauge", 3, 0, most, "end"),
    )


AIR = _air("instant")
WEATHER = _weather(signals.rainfall, 5)
NOISE = (Field("noise", "noise_level", signals.noise_level, "Class 1 sound level meter", 1, 20, 130),)
RIVER = (
    Field("level", "river_level", signals.river_level, "Radar level gauge", 2, 0, 8),
    Field("water_temperature", "water_temperature", signals.water_temperature, "Submersible thermistor", 1, -1, 40),
)
PEOPLE = (Field("people", "footfall", signals.footfall, "Stereo people counter", 0, 0, 200, "end"),)


def free_spaces(spaces: int, peak: float) -> Field:
    return Field("free", "parking_free", signals.parking_free(spaces, peak), "Barrier counter", 0, 0, spaces)


def car_park(spaces: int, peak: float) -> Fields:
    """With one space of its own sensor; fullest at the hour ``peak``."""
    return (
        free_spaces(spaces, peak),
        Field("space_1", "parking_occupied", signals.parking_occupied, "Magnetic space sensor"),
    )


# of devices that report by the hour
HOURLY_AIR = _air("end")
HOURLY_WEATHER = _weather(signals.hourly_rainfall, 150)
HOURLY_PEOPLE = (
    Field("people", "footfall", signals.hourly_footfall, "Stereo people counter", 0, 0, 20_000, "end"),
)  # fmt: skip
TRAFFIC = (
    Field("vehicles", "traffic_volume", signals.traffic_volume, "Loop detector", 0, 0, 8000, "end"),
    Field("speed", "traffic_speed", signals.traffic_speed, "Loop detector", 0, 0, 180, "end"),
)
BIKES = (Field("rented", "rented_bikes", signals.rented_bikes, "Rental station", 0, 0, 2000, "end"),)
WASTE = (Field("filling", "waste_level", signals.waste_level, "Ultrasonic level sensor", 0, 0, 100),)
ENERGY = (
    Field("power", "power", signals.power, "Three-phase meter", 1, 0, 500),
    Field("energy", "energy", signals.energy, "Three-phase meter", 1, 0, 100_000_000),
)
