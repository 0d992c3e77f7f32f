"""How the text of a setting becomes its value: what is refused names what was expected."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from dataclasses import field as column
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marshmallow import ValidationError, fields, validate

Network = IPv4Network | IPv6Network


class AsPath(fields.Field[Path]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Path:
        return Path(value).expanduser().absolute()


class AsZone(fields.Field[ZoneInfo]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> ZoneInfo:
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a folder of zones
            raise ValidationError("Not an IANA time zone such as Asia/Seoul.") from error


class AsAddress(fields.String):
    """An address of one of ``schemes``, or nothing. It may hold a password; a host may be a name like ``my_broker``."""

    def __init__(self, *schemes: str) -> None:
        super().__init__()
        self._schemes = schemes

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(value)
        if text and not self._holds(text):
            begins = " or ".join(f"{scheme}://" for scheme in self._schemes)
            raise ValidationError(f"Not an address that begins with {begins} and names a host.")
        return text.rstrip("/")

    def _holds(self, text: str) -> bool:
        try:
            parts = urlsplit(text)
            port_is_one = parts.port is None or parts.port > 0  # .port raises for what is no number up to 65535
        except ValueError:
            return False
        blank = any(sign.isspace() or not sign.isprintable() for sign in text)
        return parts.scheme in self._schemes and bool(parts.hostname) and port_is_one and not blank


class AsAddresses(fields.Field[tuple[str, ...]]):
    """Some of these with commas between."""

    def __init__(self, *schemes: str) -> None:
        super().__init__()
        self._one = AsAddress(*schemes)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        return tuple(self._one.deserialize(part.strip()) for part in str(value).split(",") if part.strip())


class AsNetworks(fields.Field[tuple[Network, ...]]):
    """Networks in CIDR notation with commas between."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[Network, ...]:
        try:
            return tuple(ip_network(part.strip()) for part in str(value).split(",") if part.strip())
        except ValueError as error:
            raise ValidationError("Not networks such as 10.1.0.0/16,fd00::/8.") from error


class AsDates(fields.Field[frozenset[dt.date]]):
    """Dates, YYYY-MM-DD, with commas between."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> frozenset[dt.date]:
        try:
            return frozenset(dt.date.fromisoformat(part.strip()) for part in str(value).split(",") if part.strip())
        except ValueError as error:
            raise ValidationError("Not dates such as 2026-10-02,2027-01-27.") from error


TEXT = fields.String()
FLAG = fields.Boolean()


def choice(*words: str) -> fields.Field[Any]:
    return fields.String(validate=validate.OneOf(words, error="Must be one of: {choices}."))


def whole(low: int, high: int) -> fields.Field[Any]:
    return fields.Integer(validate=validate.Range(low, high))


def shaped(pattern: str, what: str) -> fields.Field[Any]:
    return fields.String(validate=validate.Regexp(rf"(?:{pattern})\Z", error=f"Not {what}."))


def setting(field: fields.Field[Any], default: str, help: str) -> Any:
    """A row of a table of settings; see ``settings.Setting``."""
    return column(metadata={"field": field, "default": default, "help": help})


@dataclass(frozen=True)
class PlacesSettings:
    """The rows of ``settings.Settings`` that bound the registry and the testbed."""

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
    # catalog
    organisation_hooks: int = setting(whole(1, 10_000), "100", "Most webhooks of dataset news of one organisation")
    hook_days: int = setting(whole(1, 3_650), "30", "How long deliveries of dataset news are kept, in days")
    organisation_harvests: int = setting(whole(1, 10_000), "50", "Most catalogs that one organisation harvests")
    harvest_datasets: int = setting(whole(1, 1_000_000), "20000", "Most datasets of one harvested catalog")
    harvest_pages: int = setting(whole(1, 1_000_000), "1000", "Most pages of one harvested catalog")
    harvest_statements: int = setting(
        whole(1_000, 100_000_000), "1000000", "Most RDF statements of one harvested catalog"
    )
    harvest_seconds: int = setting(whole(1, 86_400), "1800", "Longest time that reading a catalog takes, in seconds")
    harvest_link_days: int = setting(
        whole(0, 365), "7", "After how many days the links of a harvested dataset are tried again; 0: never tried"
    )
    harvest_absences: int = setting(
        whole(1, 1_000), "3", "Runs in a row that lack a harvested dataset before it is withdrawn"
    )
    harvest_loss_percent: int = setting(
        whole(1, 100), "50", "A harvest that lacks more of what there was is not believed, in percent"
    )
    catalog_review: bool = setting(FLAG, "false", "Have datasets approved by another person before they are published")
    # data
    data_cells: int = setting(
        whole(100, 10_000_000_000), "200000000", "Most cells (rows x columns) that one answer of data looks at"
    )
    wide_columns: int = setting(whole(1, 10_000), "256", "Most columns across in the wide shape")
    wide_rows: int = setting(whole(1, 100_000_000), "1000000", "Most readings in one answer of the wide shape")
    xlsx_cells: int = setting(whole(1, 100_000_000), "2000000", "Most cells (rows x columns) in one XLSX file")
    # files
    upload_bytes: int = setting(
        whole(1_024, 17_179_869_184), "104857600", "Largest file of a dataset, in bytes; it is taken in piece by piece"
    )
    upload_columns: int = setting(whole(1, 10_000), "1000", "Most columns of a file of a dataset")
    upload_rows: int = setting(whole(1, 1_000_000_000), "5000000", "Most rows of a file of a dataset")
    upload_cells: int = setting(
        whole(1, 10_000_000_000), "50000000", "Most cells (rows x columns) of a file of a dataset"
    )
    upload_unpacked_bytes: int = setting(
        whole(1_024, 17_179_869_184), "536870912", "Largest XLSX or Parquet file when it is unpacked, in bytes"
    )
    upload_json_bytes: int = setting(
        whole(1_024, 1_073_741_824), "33554432", "Largest GeoJSON file of a dataset, in bytes; it is read as a whole"
    )
    upload_seconds: int = setting(
        whole(1, 86_400), "120", "Longest that a file of a dataset is looked at, in seconds; it is refused after that"
    )
    dataset_files: int = setting(
        whole(1, 100_000), "1000", "Most files of one dataset, the former states of each counted"
    )
    # catalog
    search_boundaries: str = setting(
        fields.String(), "", "GeoJSON file of municipalities, by which the search knows where datasets lie; empty: none"
    )
    # http
    limit_address_minute: int = setting(
        whole(0, 100_000_000), "600", "Most requests in a minute from one address without a key; 0: any number"
    )
    limit_key_minute: int = setting(whole(0, 100_000_000), "3000", "Most requests in a minute with one key; 0: any")
    quota_address_day: int = setting(
        whole(0, 10_000_000_000), "50000", "Most requests in a day from one address without a key; 0: any number"
    )
    quota_reader_day: int = setting(
        whole(0, 10_000_000_000), "200000", "Most requests in a day with a key of somebody who only reads; 0: any"
    )
    quota_member_day: int = setting(
        whole(0, 10_000_000_000), "5000000", "Most requests in a day with a key of an organisation's member; 0: any"
    )
    limit_exempt: tuple[Network, ...] = setting(
        AsNetworks(), "127.0.0.0/8,::1/128", "Networks whose requests no limit and no quota counts"
    )
    cors_origins: tuple[str, ...] = setting(
        AsAddresses("http", "https"), "", "Origins of web pages that may read the API without a key; empty: all"
    )
    history_days: int = setting(
        whole(0, 36_500), "1100", "Days that news and revisions of datasets are kept, beyond what is cited; 0: all"
    )
    usage_days: int = setting(whole(1, 36_500), "1100", "Days that counts of use are kept")
    # testbed
    round_seconds: int = setting(
        whole(1, 86_400), "300", "Longest run of the mechanism optimal, in seconds; a run may ask for less"
    )
    # telling people
    smtp_host: str = setting(TEXT, "", "Mail server that letters go to; empty: they become files in data/outbox")
    smtp_port: int = setting(whole(1, 65_535), "587", "Its port; usually 587 with starttls, 465 with tls")
    smtp_security: str = setting(
        choice("starttls", "tls", "none"), "starttls", "How the way to it is protected; with none nobody logs in"
    )
    smtp_user: str = setting(TEXT, "", "Login there; empty: none")
    smtp_password: str = setting(TEXT, "", "Password of it, a secret")
    smtp_ca: str = setting(TEXT, "", "File of certificates trusted for it; empty: those of the system")
    smtp_from: str = setting(
        shaped(r"[^@\s]{1,64}@[^@\s]{1,189}", "a mail address"), "gops@localhost", "Address that letters come from"
    )
    smtp_seconds: int = setting(whole(1, 300), "20", "Longest silence of the mail server, in seconds")
    notice_days: int = setting(whole(1, 3653), "90", "Days that notices are kept, sent or given up")
    # testbed
    organisation_sites: int = setting(whole(1, 1_000_000), "10000", "Most sites of one organisation")
    site_vertices: int = setting(whole(4, 1_000_000), "2000", "Most positions in the polygon of a site")
    site_km2: int = setting(whole(1, 1_000_000), "100", "Largest site, in square kilometres")
    site_import_rows: int = setting(whole(1, 1_000_000), "10000", "Most sites in one file of an import")
    micro_slots_quarter: int = setting(whole(1, 100), "1", "Most micro-slots of one organisation in a quarter")
    micro_ahead_weeks: int = setting(whole(1, 520), "26", "Furthest week ahead in which a micro-slot begins")
    site_closures: int = setting(whole(1, 10_000), "200", "Most closures of one site")
    organisation_calls: int = setting(whole(1, 1_000_000), "1000", "Most calls of one organisation")
    call_weeks: int = setting(whole(1, 520), "104", "Longest calendar that a call allocates, in weeks")
    call_open_days: int = setting(whole(0, 365), "28", "Shortest time that a call is open, in days")
    call_questions: int = setting(whole(1, 1_000_000), "1000", "Most questions to one call")
    call_own_questions: int = setting(whole(1, 10_000), "20", "Most questions of one person to one call")
    call_errata: int = setting(whole(1, 1_000), "20", "Most errata of one call")
    document_bytes: int = setting(
        whole(1_024, 1_073_741_824), "20971520", "Largest document of an application, in bytes"
    )
    application_documents: int = setting(whole(1, 1_000), "30", "Most documents of one application")
    application_document_bytes: int = setting(
        whole(1_024, 17_179_869_184), "104857600", "Largest documents of one application together, in bytes"
    )
    application_forget_days: int = setting(
        whole(1, 36_500), "180", "Days after a round in which documents of applications without a place are kept"
    )
    scanner_command: str = setting(
        TEXT, "", "Command that scans a document, such as clamdscan; the path is added; empty: none"
    )
    scanner_seconds: int = setting(whole(1, 3_600), "60", "Longest time that a scan may take, in seconds")
    closed_days: frozenset[dt.date] = setting(
        AsDates(), "", "Days that are no working days besides the public holidays of Korea, with commas between"
    )
    call_applications: int = setting(whole(1, 100_000), "10000", "Most applications in one call")
    call_own_applications: int = setting(whole(1, 10_000), "20", "Most applications of one organisation in one call")
    application_sites: int = setting(whole(1, 100), "20", "Most sites that an application ranks")
    organisation_demands: int = setting(whole(1, 1_000_000), "1000", "Most demands of one organisation")
    demand_km2: int = setting(whole(1, 1_000_000), "2000", "Largest area of a demand, in square kilometres")
    offer_days: int = setting(whole(1, 365), "10", "Working days until an offer that nobody answers lapses")
    appeal_days: int = setting(whole(0, 365), "10", "Working days in which appeals against a round are taken")
    appeal_answer_days: int = setting(whole(1, 365), "10", "Working days in which an appeal is answered")
    call_evaluators: int = setting(whole(3, 1_000), "100", "Most evaluators of one call")
    review_load: int = setting(
        whole(1, 500), "20", "Applications that an evaluator judges at most, unless told otherwise"
    )
    regulatory_days: int = setting(whole(1, 365), "30", "Days of a regulator's silence after which no rule is presumed")
    call_answerers: int = setting(whole(1, 1_000), "50", "Most people who answer for regulators in one call")
    application_checks: int = setting(
        whole(1, 1_000), "20", "Most regulatory checks, and most exemptions, of one application"
    )
    testbed_ahead_weeks: int = setting(whole(1, 2_600), "520", "Furthest week ahead that the testbed deals with")
    calendar_weeks: int = setting(whole(1, 520), "104", "Most weeks in one answer of a calendar")
