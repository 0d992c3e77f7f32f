"""What the simulated devices measure: pure functions of a seed and a time, with daily rhythms and slow drifts.

Times are seconds since 1970 (float). Numbers of one city share its weather: they drift by the city's seed, and a
device adds a little of its own. Nothing here is a model of the atmosphere; it is meant to look like one from afar.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from functools import lru_cache

HOUR = 3600.0
DAY = 24 * HOUR
YEAR = 365.2425 * DAY
KOREA = 9 * HOUR  # without summer time
MONDAY = 4 * DAY  # 1970-01-05, the first Monday

Signal = Callable[[str, str, float], "float | bool"]
"""city seed, device seed, time -> value"""


def chance(*parts: object) -> float:
    """0 to 1, the same for the same parts for ever."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


@lru_cache(maxsize=8192)
def _toss(seed: str, step: int) -> float:
    """Many readings lie between the same two."""
    return chance(seed, step)


def drift(seed: str, t: float, length: float) -> float:
    """-1 to 1, smooth, wandering to another value every ``length`` seconds."""
    step, within = divmod(t / length, 1.0)
    before, after = _toss(seed, int(step)), _toss(seed, int(step) + 1)
    smooth = within * within * (3 - 2 * within)
    return 2 * (before + (after - before) * smooth) - 1


def hour_of_day(t: float) -> float:
    """0 to 24, in Korea."""
    return (t + KOREA) % DAY / HOUR


def is_weekend(t: float) -> bool:
    return (t + KOREA - MONDAY) % (7 * DAY) >= 5 * DAY


def bump(hour: float, peak: float, width: float) -> float:
    """1 at the peak hour, falling off on both sides, around midnight too."""
    away = abs((hour - peak + 12) % 24 - 12)
    return math.exp(-((away / width) ** 2))


def bustle(t: float) -> float:
    """0 to 1: how much goes on in the streets; two rush hours, quieter at weekends."""
    hour = hour_of_day(t)
    rush = max(bump(hour, 8.5, 1.6), bump(hour, 18.5, 2.2)) * (0.5 if is_weekend(t) else 1.0)
    return min(1.0, 0.05 + 0.55 * bump(hour, 14.5, 5.5) + 0.4 * rush)


@lru_cache(maxsize=8192)
def rain_rate(city: str, t: float) -> float:
    """mm an hour; most of the time none."""
    return max(0.0, drift(f"{city} rain", t, 5 * HOUR) - 0.55) * 22 * (1 + drift(f"{city} shower", t, 600.0)) / 2


def temperature(city: str, device: str, t: float) -> float:
    season = 12.5 - 14.0 * math.cos(2 * math.pi * (t / YEAR - 0.06))  # coldest in the third week of January
    day = 4.5 * math.cos(2 * math.pi * (hour_of_day(t) - 15) / 24)
    return season + day + 3 * drift(f"{city} air mass", t, 2 * DAY) + 0.4 * drift(device, t, HOUR)


def humidity(city: str, device: str, t: float) -> float:
    wet = 62 - 14 * math.cos(2 * math.pi * (hour_of_day(t) - 15) / 24) + 12 * drift(f"{city} moisture", t, DAY)
    return min(100.0, max(8.0, wet + 4 * min(4.0, rain_rate(city, t)) + 2 * drift(device, t, HOUR)))


def pressure(city: str, device: str, t: float) -> float:
    return 1014 + 9 * drift(f"{city} pressure", t, 2.5 * DAY) + 0.2 * drift(device, t, HOUR)


def wind_speed(city: str, device: str, t: float) -> float:
    calm = 1.2 + 1.5 * bump(hour_of_day(t), 15, 5) + 1.1 * drift(f"{city} wind", t, 6 * HOUR)
    return max(0.0, calm + 0.8 * drift(device, t, 60.0))


def wind_direction(city: str, device: str, t: float) -> float:
    return (290 + 120 * drift(f"{city} wind from", t, 8 * HOUR) + 25 * drift(device, t, 120.0)) % 360


def rainfall(city: str, device: str, t: float) -> float:
    """mm in the ten seconds before ``t``."""
    return rain_rate(city, t) / 360 * (1 + 0.2 * drift(device, t, 300.0))


def pm10(city: str, device: str, t: float) -> float:
    haze = 38 + 24 * drift(f"{city} haze", t, 18 * HOUR) + 14 * bustle(t) - 4 * min(4.0, rain_rate(city, t))
    return max(3.0, haze + 5 * drift(device, t, 20 * 60.0))


def pm25(city: str, device: str, t: float) -> float:
    return max(1.0, 0.55 * pm10(city, device, t) + 3 * drift(f"{device} fine", t, HOUR))


def o3(city: str, device: str, t: float) -> float:
    """ppm; made by sunlight, so highest in the afternoon."""
    return max(0.002, 0.024 + 0.03 * bump(hour_of_day(t), 15.5, 4) + 0.006 * drift(f"{city} o3 {device}", t, 3 * HOUR))


def no2(city: str, device: str, t: float) -> float:
    return max(0.003, 0.012 + 0.026 * bustle(t) + 0.005 * drift(f"{city} no2 {device}", t, 2 * HOUR))


def noise_level(_city: str, device: str, t: float) -> float:
    passing = max(0.0, drift(f"{device} passing", t, 15.0) - 0.4) * 16
    return 44 + 17 * bustle(t) + 2.5 * drift(device, t, 90.0) + passing


def parking_free(spaces: int, peak: float) -> Signal:
    """Free ones of so many spaces; the fewest at the peak hour."""

    def free(_city: str, device: str, t: float) -> float:
        busy = 0.25 + 0.65 * bump(hour_of_day(t), peak, 4.5) * (0.6 if is_weekend(t) else 1.0)
        taken = busy + 0.1 * drift(device, t, 30 * 60.0)
        return float(round(spaces * (1 - min(1.0, max(0.0, taken)))))

    return free


def parking_occupied(_city: str, device: str, t: float) -> bool:
    """Cars stay 20 minutes; by day the space is rarely empty."""
    stay = math.floor(t / 1200)
    return chance(device, "car", stay) < 0.15 + 0.75 * bustle(stay * 1200.0)


def river_level(city: str, device: str, t: float) -> float:
    """m; rises with the rain of the last six hours."""
    fallen = sum(rain_rate(city, t - back * HOUR) * (1 - back / 7) for back in range(7))
    return max(0.1, 0.62 + 0.05 * fallen + 0.06 * drift(device, t, 8 * HOUR) + 0.004 * drift(device, t, 30.0))


def water_temperature(city: str, device: str, t: float) -> float:
    slow = sum(temperature(city, device, t - back * 6 * HOUR) for back in range(8)) / 8
    return max(0.3, 0.85 * slow + 2)


def footfall(_city: str, device: str, t: float) -> float:
    """People in the ten seconds before ``t``."""
    return float(math.floor(7 * bustle(t) * (0.4 + chance(device, int(t / 10)))))


def hourly_rainfall(city: str, device: str, t: float) -> float:
    """mm in the hour before ``t``."""
    halves = rain_rate(city, t - 0.75 * HOUR) + rain_rate(city, t - 0.25 * HOUR)
    return halves / 2 * (1 + 0.2 * drift(device, t, 6 * HOUR))


def hourly_footfall(_city: str, device: str, t: float) -> float:
    return float(math.floor(2200 * bustle(t - HOUR / 2) * (0.4 + chance(device, "people", int(t / HOUR)))))


def traffic_volume(_city: str, device: str, t: float) -> float:
    """Vehicles in the hour before ``t``."""
    return float(math.floor((120 + 2600 * bustle(t - HOUR / 2)) * (0.8 + 0.4 * chance(device, "cars", int(t / HOUR)))))


def traffic_speed(city: str, device: str, t: float) -> float:
    wet = 3 * min(4.0, rain_rate(city, t - HOUR / 2))
    return max(8.0, 64 - 34 * bustle(t - HOUR / 2) - wet + 4 * drift(device, t, 2 * HOUR))


def rented_bikes(city: str, device: str, t: float) -> float:
    """In the hour before ``t``; hardly any in the rain."""
    dry = 1 / (1 + rain_rate(city, t - HOUR / 2))
    return float(math.floor(90 * bustle(t - HOUR / 2) * dry * (0.5 + chance(device, "bikes", int(t / HOUR)))))


def waste_level(_city: str, device: str, t: float) -> float:
    """%; a container is emptied every other morning."""
    filled = ((t + KOREA - 5 * HOUR) / (2 * DAY) + (0.5 if chance(device, "day") < 0.5 else 0)) % 1
    return min(100.0, max(0.0, 3 + 85 * filled + 6 * drift(device, t, 5 * HOUR)))


def power(_city: str, device: str, t: float) -> float:
    """kW of a public building."""
    return _mean_power(device) * (1 + 0.7 * math.sin(2 * math.pi * (hour_of_day(t) - 9) / 24))


def energy(_city: str, device: str, t: float) -> float:
    """kWh on the meter: the integral of the power since a day in 2023."""
    hours = (t - 19_600 * DAY) / HOUR
    wave = 0.7 * 24 / (2 * math.pi) * (1 - math.cos(2 * math.pi * (hour_of_day(t) - 9) / 24))
    return _mean_power(device) * (hours + wave)


def _mean_power(device: str) -> float:
    return 25 + 50 * chance(device, "power")
