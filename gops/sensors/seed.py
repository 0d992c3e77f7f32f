"""The observed properties that every GOPS begins with.

A definition is the CF standard name (cfconventions.org) in the NERC Vocabulary Server, or a quantity kind of QUDT. It
is empty where neither says the same thing: a near miss would make two cities comparable that are not.
"""

from __future__ import annotations

from dataclasses import dataclass

from gops.kinds import Kind

CF = "http://vocab.nerc.ac.uk/standard_name/"
QUDT = "http://qudt.org/vocab/quantitykind/"


@dataclass(frozen=True, slots=True)
class Seed:
    key: str
    name_ko: str
    name_en: str
    unit: str
    kind: Kind = "gauge"
    definition: str = ""


def _cf(key: str, name_ko: str, name_en: str, unit: str, standard_name: str, kind: Kind = "gauge") -> Seed:
    return Seed(key, name_ko, name_en, unit, kind, f"{CF}{standard_name}/")


def _particles(size: str) -> str:
    return f"mass_concentration_of_{size}_ambient_aerosol_particles_in_air"


SEED: tuple[Seed, ...] = (
    # air
    _cf("pm10", "미세먼지(PM10)", "Particulate matter PM10", "ug/m3", _particles("pm10")),
    _cf("pm25", "초미세먼지(PM2.5)", "Particulate matter PM2.5", "ug/m3", _particles("pm2p5")),
    _cf("no2", "이산화질소", "Nitrogen dioxide", "[ppm]", "mole_fraction_of_nitrogen_dioxide_in_air"),
    _cf("o3", "오존", "Ozone", "[ppm]", "mole_fraction_of_ozone_in_air"),
    _cf("so2", "아황산가스", "Sulfur dioxide", "[ppm]", "mole_fraction_of_sulfur_dioxide_in_air"),
    _cf("co", "일산화탄소", "Carbon monoxide", "[ppm]", "mole_fraction_of_carbon_monoxide_in_air"),
    _cf("co2", "이산화탄소", "Carbon dioxide", "[ppm]", "mole_fraction_of_carbon_dioxide_in_air"),
    # weather
    _cf("temperature", "기온", "Air temperature", "Cel", "air_temperature"),
    _cf("humidity", "상대습도", "Relative humidity", "%", "relative_humidity"),
    _cf("dew_point", "이슬점 온도", "Dew point temperature", "Cel", "dew_point_temperature"),
    _cf("pressure", "기압", "Air pressure", "hPa", "air_pressure"),
    _cf("wind_speed", "풍속", "Wind speed", "m/s", "wind_speed"),
    _cf("wind_direction", "풍향", "Wind direction (where it comes from)", "deg", "wind_from_direction", "angle"),
    _cf("rainfall", "강우량", "Rainfall", "mm", "thickness_of_rainfall_amount", "amount"),
    Seed("snowfall", "강설량", "Snowfall", "cm", "amount"),
    _cf("snow_depth", "적설", "Snow depth", "cm", "surface_snow_thickness"),
    _cf("visibility", "시정", "Visibility", "m", "visibility_in_air"),
    _cf(
        "solar_radiation",
        "일사량",
        "Solar radiation received",
        "MJ/m2",
        "integral_wrt_time_of_surface_downwelling_shortwave_flux_in_air",
        "amount",
    ),
    _cf("solar_irradiance", "일사 강도", "Solar irradiance", "W/m2", "surface_downwelling_shortwave_flux_in_air"),
    Seed("uv_index", "자외선 지수", "Ultraviolet index", "1"),
    Seed("illuminance", "조도", "Illuminance", "lx", "gauge", f"{QUDT}Illuminance"),
    # noise: A-weighted, as environmental limits are; the CF name is unweighted
    Seed("noise_level", "소음도", "Noise level, A-weighted", "dB[SPL]{A}"),
    # water
    _cf("river_level", "하천 수위", "River level above gauge zero", "m", "water_surface_height_above_reference_datum"),
    _cf("river_discharge", "하천 유량", "River discharge", "m3/s", "water_volume_transport_in_river_channel"),
    Seed("water_temperature", "수온", "Water temperature", "Cel"),
    # streets and people
    Seed("traffic_volume", "교통량", "Vehicles that passed", "{vehicle}", "amount"),
    Seed("traffic_speed", "통행 속도", "Mean speed of traffic", "km/h"),
    Seed("footfall", "보행량", "People who passed", "{person}", "amount"),
    Seed("rented_bikes", "자전거 대여 건수", "Bicycles rented", "{bike}", "amount"),
    Seed("bikes_available", "대여 가능한 자전거 수", "Bicycles to be had at a station", "{bike}"),
    Seed("docks_available", "빈 거치대 수", "Free docks of a station for bicycles", "{dock}"),
    Seed("bike_docks", "거치대 수", "Docks of a station for bicycles", "{dock}"),
    Seed("parked_vehicles", "주차된 차량 수", "Vehicles that are parked", "{vehicle}"),
    Seed("parking_capacity", "주차면 수", "Parking spaces in all", "{space}"),
    Seed("parking_occupied", "주차면 점유", "Whether a parking space is occupied", "1", "state"),
    Seed("parking_free", "빈 주차면 수", "Free parking spaces", "{space}"),
    # utilities
    Seed("power", "전력", "Electric power", "kW", "gauge", f"{QUDT}ActivePower"),
    Seed("energy", "전력량", "Electric energy used", "kW.h", "counter"),
    Seed("waste_level", "쓰레기통 적재율", "Filling of a waste container", "%"),
    Seed("battery_voltage", "배터리 전압", "Battery voltage", "V", "gauge", f"{QUDT}Voltage"),
)
