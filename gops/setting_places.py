"""The rows of ``settings.Settings`` that bound the registry and the testbed."""

from __future__ import annotations

from dataclasses import dataclass

from gops.setting_types import setting, whole


@dataclass(frozen=True)
class PlacesSettings:
    """See ``settings.Settings``."""

    # registry
    organisation_things: int = setting(whole(1, 10_000_000), "100000", "Most Things of one organisation")
    organisation_sensors: int = setting(whole(1, 10_000_000), "100000", "Most Sensors of one organisation")
    thing_datastreams: int = setting(whole(1, 100_000), "1000", "Most Datastreams of one Thing, ended ones included")
    thing_locations: int = setting(whole(1, 1_000_000), "10000", "Most places in the history of one Thing")
    thing_properties_bytes: int = setting(
        whole(2, 1_048_576), "16384", "Largest properties of one Thing, in bytes of JSON"
    )
    device_fields: int = setting(whole(1, 10_000), "1000", "Most mapped fields of one device")
    device_bulk: int = setting(whole(1, 1_000_000), "20000", "Most devices registered, rotated or revoked at once")
    device_silent_minutes: int = setting(
        whole(1, 527_040), "1440", "Silence after which a device without a period counts as silent, in minutes"
    )
    observed_properties: int = setting(whole(1, 1_000_000), "10000", "Most observed properties of the platform")
    # testbed
    organisation_sites: int = setting(whole(1, 1_000_000), "10000", "Most sites of one organisation")
    site_vertices: int = setting(whole(4, 1_000_000), "2000", "Most positions in the polygon of a site")
    site_km2: int = setting(whole(1, 1_000_000), "100", "Largest site, in square kilometres")
    site_closures: int = setting(whole(1, 10_000), "200", "Most closures of one site")
    organisation_calls: int = setting(whole(1, 1_000_000), "1000", "Most calls of one organisation")
    call_weeks: int = setting(whole(1, 520), "104", "Longest calendar that a call allocates, in weeks")
    call_open_days: int = setting(whole(0, 365), "28", "Shortest time that a call is open, in days")
    call_applications: int = setting(whole(1, 100_000), "10000", "Most applications in one call")
    call_own_applications: int = setting(whole(1, 10_000), "20", "Most applications of one organisation in one call")
    application_sites: int = setting(whole(1, 100), "20", "Most sites that an application ranks")
    testbed_ahead_weeks: int = setting(whole(1, 2_600), "520", "Furthest week ahead that the testbed deals with")
    calendar_weeks: int = setting(whole(1, 520), "104", "Most weeks in one answer of a calendar")
