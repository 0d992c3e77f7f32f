"""Every setting of GOPS, declared once: name, type, default, help.

Values come from the environment (``GOPS_*``); ``deploy/gops.env.example`` is generated from ``DECLARED``. A name
that is not declared or a value that does not parse stops the start and names what is nearest or expected.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as columns
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marshmallow import ValidationError, fields, validate

from gops.errors import BadSetting

Network = IPv4Network | IPv6Network

PREFIX = "GOPS_"
SHOWN = 80  # characters of a wrong value that the error repeats


class _Path(fields.Field[Path]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Path:
        return Path(value).expanduser().absolute()


class _Zone(fields.Field[ZoneInfo]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> ZoneInfo:
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a folder of zones
            raise ValidationError("Not an IANA time zone such as Asia/Seoul.") from error


class _Address(fields.String):
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


class _Networks(fields.Field[tuple[Network, ...]]):
    """Networks in CIDR notation with commas between."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[Network, ...]:
        try:
            return tuple(ip_network(part.strip()) for part in str(value).split(",") if part.strip())
        except ValueError as error:
            raise ValidationError("Not networks such as 10.1.0.0/16,fd00::/8.") from error


_TEXT = fields.String()
_FLAG = fields.Boolean()


def _choice(*words: str) -> fields.Field[Any]:
    return fields.String(validate=validate.OneOf(words, error="Must be one of: {choices}."))


def _whole(low: int, high: int) -> fields.Field[Any]:
    return fields.Integer(validate=validate.Range(low, high))


def _shaped(pattern: str, what: str) -> fields.Field[Any]:
    return fields.String(validate=validate.Regexp(rf"(?:{pattern})\Z", error=f"Not {what}."))


_SLUG = _shaped(r"[a-z0-9][a-z0-9-]{1,62}", "a slug: small letters, digits and hyphens")
_MAIL = _shaped(r"[^@\s]{1,64}@[^@\s]{1,189}", "a mail address")


@dataclass(frozen=True)
class Setting:
    """One row of the table. ``help`` says what it does and in which unit."""

    name: str
    field: fields.Field[Any]
    default: str
    help: str

    @property
    def env_name(self) -> str:
        return PREFIX + self.name.upper()

    @property
    def is_address(self) -> bool:
        """Its value may hold a password."""
        return isinstance(self.field, _Address) or self.name.endswith("_url")


DECLARED: tuple[Setting, ...] = (
    # where things are
    Setting("data", _Path(), "data", "Folder of everything that GOPS keeps on disk"),
    Setting("host", _TEXT, "127.0.0.1", "Address that the HTTP server listens on"),
    Setting("port", _whole(1, 65535), "8080", "Port that the HTTP server listens on"),
    Setting("base_url", _Address("http", "https"), "", "Public address of this GOPS in links; empty: as asked"),
    Setting("zone", _Zone(), "Asia/Seoul", "IANA zone of windows and shown times where a request names none"),
    Setting("language", _choice("ko", "en"), "ko", "Language of pages and messages where a reader states none"),
    Setting("operator_slug", _SLUG, "gops", "Slug of the operator's organisation that `gops init` creates"),
    Setting("operator_email", _MAIL, "operator@localhost", "Mail address of the first operator"),
    # logs
    Setting("log_level", _choice("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "Least severe event that is logged"),
    Setting("log_style", _choice("auto", "json", "text"), "auto", "json, text, or auto (text on a terminal)"),
    # records
    Setting(
        "records_url",
        _TEXT,
        "",
        "SQLAlchemy address of the records; empty: SQLite in the data folder. "
        "postgresql+psycopg://user:password@host/database beyond one machine",
    ),
    Setting("records_connections", _whole(2, 1000), "20", "Connections of one process to the records"),
    Setting("records_wait_seconds", _whole(1, 300), "10", "Longest wait for the records' write lock, in seconds"),
    # store
    Setting("store", _choice("duckdb", "memory"), "duckdb", "Time-series store; memory forgets everything at the end"),
    Setting("store_memory_mb", _whole(64, 65536), "512", "Memory bound of the embedded store, in MB"),
    Setting("store_threads", _whole(1, 64), "2", "Threads of the embedded store"),
    Setting("store_queue", _whole(1, 10_000), "64", "Write requests that may wait for the store's one writer"),
    # MQTT
    Setting(
        "mqtt_url",
        _Address("mqtt", "mqtts"),
        "",
        "Broker to ingest from, mqtt:// or mqtts://, with user and password; empty: the embedded broker",
    ),
    Setting("mqtt_ca", _TEXT, "", "File of certificate authorities to trust for mqtts://; empty: the system's"),
    Setting("mqtt_client_id", _TEXT, "gops-ingest", "Client id of ingest; names its persistent session at the broker"),
    Setting("mqtt_receive_maximum", _whole(1, 16_383), "5000", "Unacknowledged MQTT messages in flight to ingest"),
    Setting("mqtt_batch", _whole(1, 65_535), "5000", "Most MQTT messages in one commit"),
    Setting("mqtt_batch_rows", _whole(1, 10_000_000), "100000", "Readings and refusals after which a commit is made"),
    Setting("mqtt_inbox", _whole(1, 1_000_000), "20000", "MQTT messages that may wait in memory to be read"),
    Setting("mqtt_inbox_bytes", _whole(65_536, 1 << 36), "67108864", "The same in bytes of payload"),
    Setting("mqtt_answers", _whole(1, 100_000), "2000", "Receipts and refusals that may wait to be sent to devices"),
    Setting("mqtt_topics", _whole(100, 10_000_000), "100000", "Topics whose device and mapping are remembered"),
    Setting(
        "mqtt_session_days", _whole(1, 365), "14", "Days that a broker keeps messages while ingest is away (MQTT 5)"
    ),
    Setting("mqtt_broker_host", _TEXT, "127.0.0.1", "Address that the embedded broker listens on"),
    Setting("mqtt_broker_port", _whole(1, 65535), "1883", "Port that the embedded broker listens on"),
    Setting("mqtt_broker_connections", _whole(1, 10_000), "500", "Most connections at once to the embedded broker"),
    Setting("mqtt_broker_queue", _whole(1, 65_535), "20000", "Messages that the embedded broker holds for ingest"),
    Setting("mqtt_broker_queue_bytes", _whole(1 << 20, 1 << 34), "67108864", "The same in bytes"),
    Setting("mqtt_anonymous_live", _FLAG, "false", "Let anonymous MQTT clients of the embedded broker read gops/live"),
    Setting("message_bytes", _whole(64, 268_435_455), "262144", "Largest MQTT payload that is read, in bytes"),
    Setting("message_readings", _whole(1, 1_000_000), "10000", "Most readings in one MQTT message"),
    Setting("message_depth", _whole(2, 64), "8", "Deepest nesting of a JSON message"),
    Setting("message_text", _whole(1, 65_536), "256", "Longest text of a reading of kind state, in characters"),
    # which readings are accepted
    Setting("accept_past_days", _whole(1, 36_500), "3653", "Oldest reading accepted, in days before now"),
    Setting("accept_ahead_seconds", _whole(0, 86_400), "600", "Furthest reading ahead of now accepted, in seconds"),
    Setting("refusal_raw_bytes", _whole(0, 16_384), "16384", "Bytes kept of a refused message"),
    Setting("refusal_kept_per_hour", _whole(1, 1000), "10", "Like refusals kept in one hour; the rest are counted"),
    Setting(
        "refusal_groups_per_hour",
        _whole(1, 100_000),
        "200",
        "Different refusals (code and field) of one device told apart in one hour; the rest are counted together",
    ),
    Setting("refusal_days", _whole(1, 3653), "90", "Days that refusals are kept"),
    # registry
    Setting("organisation_things", _whole(1, 10_000_000), "100000", "Most Things of one organisation"),
    Setting("organisation_sensors", _whole(1, 10_000_000), "100000", "Most Sensors of one organisation"),
    Setting("thing_datastreams", _whole(1, 100_000), "1000", "Most Datastreams of one Thing, ended ones included"),
    Setting("thing_locations", _whole(1, 1_000_000), "10000", "Most places in the history of one Thing"),
    Setting(
        "thing_properties_bytes", _whole(2, 1_048_576), "16384", "Largest properties of one Thing, in bytes of JSON"
    ),
    Setting("device_fields", _whole(1, 10_000), "1000", "Most mapped fields of one device"),
    Setting("observed_properties", _whole(1, 1_000_000), "10000", "Most observed properties of the platform"),
    # testbed
    Setting("organisation_sites", _whole(1, 1_000_000), "10000", "Most sites of one organisation"),
    Setting("site_vertices", _whole(4, 1_000_000), "10000", "Most positions in the polygon of a site"),
    Setting("site_km2", _whole(1, 1_000_000), "100", "Largest site, in square kilometres"),
    Setting("site_closures", _whole(1, 10_000), "200", "Most closures of one site"),
    Setting("organisation_calls", _whole(1, 1_000_000), "1000", "Most calls of one organisation"),
    Setting("call_weeks", _whole(1, 520), "104", "Longest calendar that a call allocates, in weeks"),
    Setting("call_open_days", _whole(0, 365), "28", "Shortest time that a call is open, in days"),
    Setting("call_applications", _whole(1, 100_000), "10000", "Most applications in one call"),
    Setting("call_own_applications", _whole(1, 10_000), "20", "Most applications of one organisation in one call"),
    Setting("application_sites", _whole(1, 100), "20", "Most sites that an application ranks"),
    Setting("testbed_ahead_weeks", _whole(1, 2_600), "520", "Furthest week ahead that the testbed deals with"),
    Setting("calendar_weeks", _whole(1, 520), "104", "Most weeks in one answer of a calendar"),
    # HTTP
    Setting("http_threads", _whole(1, 256), "4", "Threads that answer HTTP requests"),
    Setting("http_body_bytes", _whole(1024, 1_073_741_824), "1048576", "Largest body of an HTTP request, in bytes"),
    Setting("http_query_bytes", _whole(256, 65_536), "8192", "Longest query of an address, in bytes"),
    Setting("http_json_depth", _whole(2, 64), "16", "Deepest nesting of a JSON body"),
    Setting("page_rows", _whole(1, 100_000), "100", "Rows in a page where a request names no limit"),
    Setting("page_rows_max", _whole(1, 100_000), "10000", "Most rows in a page"),
    Setting("export_rows_max", _whole(1, 1_000_000_000), "10000000", "Most rows in one CSV answer without a limit"),
    Setting("windows_max", _whole(1, 1_000_000), "100000", "Most windows x Datastreams in one aggregated answer"),
    Setting("latest_max", _whole(1, 100_000), "1000", "Most Datastreams in one answer of latest readings"),
    Setting("signup_per_hour", _whole(1, 10_000), "5", "Sign-ups per hour from one address"),
    Setting("signup_key_days", _whole(1, 3653), "365", "Days until a key from sign-up ends"),
    Setting("key_days_max", _whole(1, 3653), "730", "Longest life of an API key, in days"),
    Setting("keys_per_person", _whole(1, 10_000), "50", "Most live keys of one person in one organisation"),
    Setting("keys_remembered", _whole(1, 1_000_000), "10000", "API keys whose check is remembered for a second"),
    Setting("outbox_max", _whole(1, 1_000_000), "10000", "Most letters that wait in data/outbox"),
    Setting("trusted_proxies", _whole(0, 8), "0", "Reverse proxies in front whose X-Forwarded-For is believed"),
    # feeds that are pulled, and the catalog
    Setting("organisation_feeds", _whole(1, 10_000), "100", "Most feeds of one organisation"),
    Setting("feed_stations", _whole(1, 100_000), "5000", "Most stations that one feed registers"),
    Setting("feed_threads", _whole(1, 64), "4", "Feeds that are pulled at once"),
    Setting("feed_pages", _whole(1, 100_000), "500", "Most pages asked for in one run of a feed"),
    Setting("feed_retries", _whole(0, 10), "2", "Further tries at a page whose portal fails"),
    Setting("feed_retry_seconds", _whole(1, 600), "10", "Wait before the first further try; each next one doubles it"),
    Setting("feed_failures", _whole(1, 1000), "5", "Failed runs in a row after which a feed rests"),
    Setting("feed_rest_minutes", _whole(1, 10_080), "60", "How long it rests before it is tried once more"),
    Setting("feed_runs_kept", _whole(1, 100_000), "500", "Runs of one feed that are kept"),
    Setting("organisation_datasets", _whole(1, 100_000), "1000", "Most datasets of one organisation"),
    Setting("dataset_datastreams", _whole(1, 1_000_000), "20000", "Most Datastreams in one dataset"),
    # asking others over HTTP
    Setting(
        "outbound_allow",
        _Networks(),
        "",
        "Networks inside (loopback, private) that GOPS may ask over HTTP, as CIDR with commas; empty: none",
    ),
    Setting("outbound_connect_seconds", _whole(1, 300), "5", "Longest wait for a connection to another host"),
    Setting("outbound_read_seconds", _whole(1, 300), "20", "Longest silence of another host within its answer"),
    Setting("outbound_total_seconds", _whole(1, 3600), "60", "Longest time for an answer of another host in all"),
    Setting("outbound_bytes", _whole(1024, 1_073_741_824), "33554432", "Largest answer of another host, in bytes"),
    Setting("outbound_redirects", _whole(0, 20), "3", "Most redirects followed to one answer"),
    # events
    Setting("events_poll_ms", _whole(50, 1500), "500", "How often a process looks for events of others, in ms"),
    Setting("events_days", _whole(1, 365), "7", "Days that events stay in the outbox"),
)
_BY_ENV = {setting.env_name: setting for setting in DECLARED}


@dataclass(frozen=True)
class Settings:
    """The parsed table; one attribute a row of ``DECLARED``."""

    data: Path
    host: str
    port: int
    base_url: str
    zone: ZoneInfo
    language: str
    operator_slug: str
    operator_email: str
    log_level: str
    log_style: str
    records_url: str
    records_connections: int
    records_wait_seconds: int
    store: str
    store_memory_mb: int
    store_threads: int
    store_queue: int
    mqtt_url: str
    mqtt_ca: str
    mqtt_client_id: str
    mqtt_receive_maximum: int
    mqtt_batch: int
    mqtt_batch_rows: int
    mqtt_inbox: int
    mqtt_inbox_bytes: int
    mqtt_answers: int
    mqtt_topics: int
    mqtt_session_days: int
    mqtt_broker_host: str
    mqtt_broker_port: int
    mqtt_broker_connections: int
    mqtt_broker_queue: int
    mqtt_broker_queue_bytes: int
    mqtt_anonymous_live: bool
    message_bytes: int
    message_readings: int
    message_depth: int
    message_text: int
    accept_past_days: int
    accept_ahead_seconds: int
    refusal_raw_bytes: int
    refusal_kept_per_hour: int
    refusal_groups_per_hour: int
    refusal_days: int
    organisation_things: int
    organisation_sensors: int
    thing_datastreams: int
    thing_locations: int
    thing_properties_bytes: int
    device_fields: int
    observed_properties: int
    organisation_sites: int
    site_vertices: int
    site_km2: int
    site_closures: int
    organisation_calls: int
    call_weeks: int
    call_open_days: int
    call_applications: int
    call_own_applications: int
    application_sites: int
    testbed_ahead_weeks: int
    calendar_weeks: int
    http_threads: int
    http_body_bytes: int
    http_query_bytes: int
    http_json_depth: int
    page_rows: int
    page_rows_max: int
    export_rows_max: int
    windows_max: int
    latest_max: int
    signup_per_hour: int
    signup_key_days: int
    key_days_max: int
    keys_per_person: int
    keys_remembered: int
    outbox_max: int
    trusted_proxies: int
    organisation_feeds: int
    feed_stations: int
    feed_threads: int
    feed_pages: int
    feed_retries: int
    feed_retry_seconds: int
    feed_failures: int
    feed_rest_minutes: int
    feed_runs_kept: int
    organisation_datasets: int
    dataset_datastreams: int
    outbound_allow: tuple[Network, ...]
    outbound_connect_seconds: int
    outbound_read_seconds: int
    outbound_total_seconds: int
    outbound_bytes: int
    outbound_redirects: int
    events_poll_ms: int
    events_days: int

    def __post_init__(self) -> None:
        declared = [setting.name for setting in DECLARED]
        assert [column.name for column in columns(self)] == declared, "Settings and DECLARED differ"

    @property
    def records_address(self) -> str:
        return self.records_url or f"sqlite:///{self.data / 'records.sqlite'}"

    @property
    def admin_socket(self) -> Path:
        return self.data / "admin.sock"


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in _BY_ENV:
            near = difflib.get_close_matches(name, _BY_ENV, n=1, cutoff=0.0)[0]
            raise BadSetting(
                f"{name} is no setting of GOPS; the nearest is {near}",
                code="unknown_setting",
                field=name,
                found=name,
                expected=near,
            )


def _parse(setting: Setting, text: str) -> Any:
    try:
        return setting.field.deserialize(text)
    except ValidationError as error:
        reason = " ".join(str(message) for message in error.messages)
        found = None if setting.is_address else text[:SHOWN]
        said = "" if found is None else f" is {found!r}"
        raise BadSetting(
            f"{setting.env_name}{said}: {reason} {setting.help}. Default: {setting.default or 'empty'}",
            field=setting.env_name,
            found=found,
            expected=f"{reason} {setting.help}",
        ) from error


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Parse settings from ``environ`` (the process's by default); an empty value is the default.

    Raises ``BadSetting``.
    """
    given = os.environ if environ is None else environ
    _refuse_unknown(given)
    return Settings(**{row.name: _parse(row, given.get(row.env_name) or row.default) for row in DECLARED})


def example() -> str:
    """The text of ``deploy/gops.env.example``."""
    lines = ["# Every setting of GOPS with its default. Generated: gops settings --example", ""]
    for setting in DECLARED:
        lines += [f"# {setting.help}", f"#{setting.env_name}={setting.default}", ""]
    return "\n".join(lines)


def shown(row: Setting, value: Any) -> str:
    """A value as it may be printed: the password in an address becomes ``***``."""
    return re.sub(r"(?<=://)([^:@/]*):[^@/]*@", r"\1:***@", str(value))
