"""Every setting of GOPS, declared once: name, type, default, help.

Values come from the environment (``GOPS_*``); ``deploy/gops.env.example`` is generated from ``Settings``. A name
that is not declared or a value that does not parse stops the start and names what is nearest or expected.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as columns
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import ValidationError, fields

from gops.errors import BadSetting
from gops.setting_types import FLAG as _FLAG
from gops.setting_types import TEXT as _TEXT
from gops.setting_types import AsAddress as _Address
from gops.setting_types import AsAddresses as _Addresses
from gops.setting_types import AsNetworks as _Networks
from gops.setting_types import AsPath as _Path
from gops.setting_types import AsZone as _Zone
from gops.setting_types import Network, PlacesSettings
from gops.setting_types import choice as _choice
from gops.setting_types import setting as _setting
from gops.setting_types import shaped as _shaped
from gops.setting_types import whole as _whole

PREFIX = "GOPS_"
SHOWN = 80  # characters of a wrong value that the error repeats


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
        return isinstance(self.field, _Address | _Addresses) or self.name.endswith(("_url", "_token", "_password"))


@dataclass(frozen=True)
class Settings(PlacesSettings):
    """The table: name, type, how it is read, default and help of each. An object holds the values in force."""

    # where things are
    data: Path = _setting(_Path(), "data", "Folder of everything that GOPS keeps on disk")
    host: str = _setting(_TEXT, "127.0.0.1", "Address that the HTTP server listens on")
    port: int = _setting(_whole(1, 65535), "8080", "Port that the HTTP server listens on")
    base_url: str = _setting(_Address("http", "https"), "", "Public address of this GOPS in links; empty: as asked")
    zone: ZoneInfo = _setting(_Zone(), "Asia/Seoul", "IANA zone of windows and shown times where a request names none")
    language: str = _setting(_choice("ko", "en"), "ko", "Language of pages and messages where a reader states none")
    operator_slug: str = _setting(_SLUG, "gops", "Slug of the operator's organisation that `gops init` creates")
    operator_email: str = _setting(_MAIL, "operator@localhost", "Mail address of the first operator")
    # logs
    log_level: str = _setting(_choice("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "Least severe event that is logged")
    log_style: str = _setting(_choice("auto", "json", "text"), "auto", "json, text, or auto (text on a terminal)")
    # records
    records_url: str = _setting(
        _TEXT,
        "",
        "SQLAlchemy address of the records; empty: SQLite in the data folder. "
        "postgresql+psycopg://user:password@host/database beyond one machine",
    )
    records_connections: int = _setting(_whole(2, 1000), "20", "Connections of one process to the records")
    records_wait_seconds: int = _setting(_whole(1, 300), "10", "Longest wait for the records' write lock, in seconds")
    # store
    store: str = _setting(
        _choice("duckdb", "influx", "victoria", "memory"),
        "duckdb",
        "Time-series store; memory forgets everything at the end",
    )
    store_url: str = _setting(_Address("http", "https"), "", "Address of a store that is a server, as it is written to")
    store_token: str = _setting(_TEXT, "", "Token for it, a secret; user and password may stand in the address instead")
    store_bucket: str = _setting(
        _shaped(r"[A-Za-z0-9_.-]{1,64}", "a name of letters, digits, _ . and -"),
        "gops",
        "Bucket of InfluxDB, the database of 1.x; GOPS alone writes to it",
    )
    store_org: str = _setting(_TEXT, "", "Organisation of that bucket (InfluxDB 2.x)")
    store_timeout_seconds: int = _setting(_whole(1, 600), "30", "Longest silence of a store that is a server")
    store_read_url: str = _setting(
        _Address("http", "https"), "", "Where VictoriaMetrics is read, if elsewhere (vmselect of a cluster)"
    )
    store_keeper_urls: tuple[str, ...] = _setting(
        _Addresses("http", "https"), "", "Servers that keep its data, with commas (vmstorage of a cluster)"
    )
    store_series: str = _setting(_shaped(r"[a-z][a-z0-9_]{0,30}", "a name such as gops"), "gops", "Its series begin so")
    store_settle_seconds: int = _setting(_whole(1, 600), "15", "How long after a write VictoriaMetrics has it on disk")
    store_flush: str = _setting(
        _choice("wait", "snapshot"), "wait", "wait that long, or have it write to disk at once by making a snapshot"
    )
    store_keeps_days: int = _setting(_whole(0, 36_500), "0", "Days that VictoriaMetrics keeps; 0: as it says itself")
    store_memory_mb: int = _setting(_whole(64, 65536), "512", "Memory bound of the embedded store, in MB")
    store_threads: int = _setting(_whole(1, 64), "2", "Threads of the embedded store")
    store_queue: int = _setting(_whole(1, 10_000), "64", "Write requests that may wait for the store's one writer")
    store_recent_rows: int = _setting(
        _whole(0, 4_000_000), "2000000", "Hot rows that the embedded store has in memory for pages, 40 bytes each"
    )
    store_upkeep: bool = _setting(
        _FLAG, "true", "Seal, merge and compact the store's files by schedule; false: by command alone"
    )
    store_seal_after_hours: int = _setting(
        _whole(1, 87_600), "48", "Hours after its end from which a day of readings is sealed into a file"
    )
    store_merge_at: str = _setting(
        _shaped(r"([01]\d|2[0-3]):[0-5]\d", "a time of day such as 03:40"),
        "03:40",
        "Time of day (GOPS_ZONE) from which late readings are merged into sealed files and closed months made one file",
    )
    # MQTT
    mqtt_url: str = _setting(
        _Address("mqtt", "mqtts"),
        "",
        "Broker to ingest from, mqtt:// or mqtts://, with user and password; empty: the embedded broker",
    )
    mqtt_ca: str = _setting(_TEXT, "", "File of certificate authorities to trust for mqtts://; empty: the system's")
    mqtt_client_id: str = _setting(
        _TEXT, "gops-ingest", "Client id of ingest; names its persistent session at the broker"
    )
    mqtt_receive_maximum: int = _setting(_whole(1, 65_535), "5000", "Unacknowledged MQTT messages in flight to ingest")
    mqtt_batch: int = _setting(_whole(1, 65_535), "5000", "Most MQTT messages in one commit")
    mqtt_batch_rows: int = _setting(_whole(1, 10_000_000), "100000", "Readings and refusals after which is a commit")
    mqtt_uncommitted: int = _setting(
        _whole(1, 10_000), "64", "Commits under way in a store that takes long to confirm one, before ingest waits"
    )
    mqtt_inbox: int = _setting(_whole(1, 1_000_000), "20000", "MQTT messages that may wait in memory to be read")
    mqtt_inbox_bytes: int = _setting(_whole(65_536, 1 << 36), "67108864", "The same in bytes of payload")
    mqtt_answers: int = _setting(_whole(1, 100_000), "2000", "Receipts and refusals that may wait to go to devices")
    mqtt_topics: int = _setting(_whole(100, 10_000_000), "100000", "Topics whose device and mapping are remembered")
    ingest_seats: int = _setting(
        _whole(1, 1000), "4", "Seats on the shared subscription of processes that `gops ingest` starts"
    )
    mqtt_session_days: int = _setting(
        _whole(1, 365), "14", "Days that a broker keeps messages while ingest is away (MQTT 5)"
    )
    mqtt_broker_host: str = _setting(_TEXT, "127.0.0.1", "Address that the embedded broker listens on")
    mqtt_broker_port: int = _setting(_whole(1, 65535), "1883", "Port that the embedded broker listens on")
    mqtt_broker_connections: int = _setting(_whole(1, 10_000), "500", "Most connections at once to the embedded broker")
    mqtt_broker_queue: int = _setting(_whole(1, 65_535), "20000", "Messages that the embedded broker holds for ingest")
    mqtt_broker_queue_bytes: int = _setting(_whole(1 << 20, 1 << 34), "67108864", "The same in bytes")
    mqtt_anonymous_live: bool = _setting(
        _FLAG, "false", "Let anonymous MQTT clients of the embedded broker read gops/live"
    )
    broker_sync: str = _setting(
        _choice("none", "dynsec", "file"),
        "none",
        "How the broker of GOPS_MQTT_URL learns of devices and keys: dynsec (Mosquitto's dynamic security), file "
        "(password and ACL files), none (by hand)",
    )
    broker_admin_url: str = _setting(
        _Address("mqtt", "mqtts"), "", "The same broker with the login that administers its dynamic security"
    )
    broker_folder: str = _setting(_TEXT, "", "Folder of the password and ACL files that GOPS writes for Mosquitto")
    broker_reload: str = _setting(
        _TEXT, "", "Command after these files changed; empty: something else has Mosquitto read them again"
    )
    message_bytes: int = _setting(_whole(64, 268_435_455), "262144", "Largest MQTT payload that is read, in bytes")
    message_readings: int = _setting(_whole(1, 1_000_000), "10000", "Most readings in one MQTT message")
    message_depth: int = _setting(_whole(2, 64), "8", "Deepest nesting of a JSON message")
    message_text: int = _setting(_whole(1, 65_536), "256", "Longest text of a reading of kind state, in characters")
    # which readings are accepted
    accept_past_days: int = _setting(_whole(1, 36_500), "3653", "Oldest reading accepted, in days before now")
    accept_ahead_seconds: int = _setting(_whole(0, 86_400), "600", "Furthest reading ahead of now accepted, in seconds")
    refusal_raw_bytes: int = _setting(_whole(0, 16_384), "16384", "Bytes kept of a refused message")
    refusal_kept_per_hour: int = _setting(_whole(1, 1000), "10", "Like refusals kept in one hour; the rest are counted")
    refusal_groups_per_hour: int = _setting(
        _whole(1, 100_000),
        "200",
        "Different refusals (code and field) of one device told apart in one hour; the rest are counted together",
    )
    refusal_days: int = _setting(_whole(1, 3653), "90", "Days that refusals are kept")
    # how long readings are kept, where neither a Datastream nor its organisation says so; and corrections
    retention_days: int = _setting(_whole(0, 36_500), "0", "Days after which readings are deleted; 0: never")
    thin_after_days: int = _setting(
        _whole(0, 36_500), "0", "Days after which readings are thinned to one a step; 0: never"
    )
    thin_every: str = _setting(
        _choice("1m", "5m", "10m", "15m", "30m", "1h", "3h", "6h", "12h", "1d"), "1h", "Step to which they are thinned"
    )
    quality_days: int = _setting(
        _whole(1, 3650), "90", "Days of which is kept how many readings each quality rule flagged"
    )
    quality_states: int = _setting(
        _whole(1000, 100_000_000), "100000", "Datastreams with quality rules whose newest reading is remembered"
    )
    quality_try_rows: int = _setting(
        _whole(1, 1_000_000_000), "5000000", "Most readings on which quality rules are tried at once"
    )
    correction_datastreams: int = _setting(_whole(1, 10_000), "100", "Most Datastreams in one correction of readings")
    correction_rows: int = _setting(_whole(1, 100_000_000), "1000000", "Most readings in one correction")
    # HTTP
    http_threads: int = _setting(_whole(1, 256), "4", "Threads that answer HTTP requests")
    http_connections: int = _setting(_whole(16, 100_000), "1000", "Most connections at once to the HTTP server")
    http_header_seconds: int = _setting(
        _whole(1, 600), "10", "Longest wait for a request on a connection, its headers included"
    )
    http_body_bytes: int = _setting(_whole(1024, 1_073_741_824), "1048576", "Largest body of an HTTP request, in bytes")
    push_bytes: int = _setting(
        _whole(1 << 16, 1 << 40), "1000000000", "Largest body of POST /api/v1/observations as it is sent, in bytes"
    )
    push_unpacked_bytes: int = _setting(_whole(1 << 16, 1 << 42), "4000000000", "The same when unpacked, in bytes")
    push_ratio: int = _setting(_whole(2, 10_000), "200", "How many times its size a body may be when it is unpacked")
    push_at_once: int = _setting(_whole(1, 64), "2", "Pushes that are taken in at once; others are told to come again")
    push_atomic_rows: int = _setting(
        _whole(1, 10_000_000), "1000000", "Most rows of a push that is stored all or nothing"
    )
    push_refusals: int = _setting(_whole(1, 10_000), "100", "Refusals that the answer to a push lists; all are counted")
    push_key_hours: int = _setting(_whole(1, 720), "24", "Hours that an Idempotency-Key is remembered")
    push_keys: int = _setting(_whole(1, 10_000_000), "100000", "Most idempotency keys that are remembered")
    http_query_bytes: int = _setting(_whole(256, 65_536), "8192", "Longest query of an address, in bytes")
    http_json_depth: int = _setting(_whole(2, 64), "16", "Deepest nesting of a JSON body")
    page_rows: int = _setting(_whole(1, 100_000), "100", "Rows in a page where a request names no limit")
    page_rows_max: int = _setting(_whole(1, 100_000), "10000", "Most rows in a page")
    export_rows_max: int = _setting(_whole(1, 1_000_000_000), "10000000", "Most rows in one CSV answer without a limit")
    windows_max: int = _setting(_whole(1, 1_000_000), "100000", "Most windows x Datastreams in one aggregated answer")
    latest_max: int = _setting(_whole(1, 100_000), "1000", "Most Datastreams in one answer of latest readings")
    signup_per_hour: int = _setting(_whole(1, 10_000), "5", "Sign-ups per hour from one address")
    signup_key_days: int = _setting(_whole(1, 3653), "365", "Days until a key from sign-up ends")
    key_days_max: int = _setting(_whole(1, 3653), "730", "Longest life of an API key, in days")
    keys_per_person: int = _setting(_whole(1, 10_000), "50", "Most live keys of one person in one organisation")
    keys_remembered: int = _setting(_whole(1, 1_000_000), "10000", "API keys whose check is remembered for a second")
    outbox_max: int = _setting(_whole(1, 1_000_000), "10000", "Most letters that wait in data/outbox")
    trusted_proxies: int = _setting(_whole(0, 8), "0", "Reverse proxies in front whose X-Forwarded-For is believed")
    # feeds that are pulled, and the catalog
    organisation_feeds: int = _setting(_whole(1, 10_000), "100", "Most feeds of one organisation")
    feed_stations: int = _setting(_whole(1, 100_000), "5000", "Most stations that one feed registers")
    feed_threads: int = _setting(_whole(1, 64), "4", "Feeds that are pulled at once")
    feed_pages: int = _setting(_whole(1, 100_000), "500", "Most pages asked for in one run of a feed")
    feed_retries: int = _setting(_whole(0, 10), "2", "Further tries at a page whose portal fails")
    feed_retry_seconds: int = _setting(
        _whole(1, 600), "10", "Wait before the first further try; each next one doubles it"
    )
    feed_failures: int = _setting(_whole(1, 1000), "5", "Failed runs in a row after which a feed rests")
    feed_rest_minutes: int = _setting(_whole(1, 10_080), "60", "How long it rests before it is tried once more")
    feed_runs_kept: int = _setting(_whole(1, 100_000), "500", "Runs of one feed that are kept")
    feed_targets: int = _setting(
        _whole(100, 10_000_000), "100000", "Fields of one declared feed whose Datastream is remembered"
    )
    feed_brokers: tuple[str, ...] = _setting(
        _Addresses("mqtt", "mqtts"), "", "MQTT brokers that feeds may read from, with commas: mqtts://host:port"
    )
    feed_links: int = _setting(_whole(0, 1000), "20", "Most connections to brokers of feeds")
    organisation_datasets: int = _setting(_whole(1, 100_000), "1000", "Most datasets of one organisation")
    dataset_datastreams: int = _setting(_whole(1, 1_000_000), "20000", "Most Datastreams in one dataset")
    dataset_snapshots: int = _setting(_whole(1, 100_000), "10000", "Most snapshots of one dataset")
    snapshot_rows_max: int = _setting(_whole(1, 100_000_000_000), "1000000000", "Most readings in one snapshot")
    snapshot_file_rows: int = _setting(
        _whole(1, 1_000_000_000), "1000000", "Readings up to which a snapshot is one file; a larger one has one a year"
    )
    snapshot_file_bytes: int = _setting(_whole(1 << 20, 1 << 40), "17179869184", "Largest file of a snapshot, in bytes")
    snapshots_kept: int = _setting(
        _whole(0, 100_000), "0", "Monthly snapshots of a dataset that keep their files; 0: all. Others keep them always"
    )
    snapshots_withdrawn_days: int = _setting(
        _whole(0, 3653), "30", "Days after which the files of a withdrawn dataset's snapshots are deleted"
    )
    # asking others over HTTP
    outbound_allow: tuple[Network, ...] = _setting(
        _Networks(),
        "",
        "Networks inside (loopback, private) that GOPS may ask over HTTP, as CIDR with commas; empty: none",
    )
    outbound_connect_seconds: int = _setting(_whole(1, 300), "5", "Longest wait for a connection to another host")
    outbound_read_seconds: int = _setting(_whole(1, 300), "20", "Longest silence of another host within its answer")
    outbound_total_seconds: int = _setting(_whole(1, 3600), "60", "Longest time for an answer of another host in all")
    outbound_bytes: int = _setting(_whole(1024, 1_073_741_824), "33554432", "Largest answer of another host, in bytes")
    outbound_redirects: int = _setting(_whole(0, 20), "3", "Most redirects followed to one answer")
    # figures for Prometheus
    metrics_token: str = _setting(
        _shaped(r"|[!-~]{16,200}", "empty or 16 to 200 characters of ASCII without blanks"),
        "",
        "Token with which GET /metrics is read; empty: nothing is there, and `gops metrics` alone shows the figures",
    )
    # alerts
    organisation_alerts: int = _setting(_whole(1, 100_000), "1000", "Most alert rules of one organisation")
    alert_queue: int = _setting(_whole(1, 10_000_000), "100000", "Readings that may wait to be held against alerts")
    alert_events_per_hour: int = _setting(_whole(1, 1_000_000), "1000", "Most alert events of one organisation an hour")
    alert_deliveries: int = _setting(_whole(1, 1_000_000), "10000", "Most alerts of one organisation that wait to go")
    alert_days: int = _setting(_whole(1, 3653), "365", "Days that alert events and their deliveries are kept")
    # events
    events_poll_ms: int = _setting(_whole(50, 1500), "500", "How often a process looks for events of others, in ms")
    events_days: int = _setting(_whole(1, 365), "7", "Days that events stay in the outbox")

    @property
    def records_address(self) -> str:
        return self.records_url or f"sqlite:///{self.data / 'records.sqlite'}"

    @property
    def admin_socket(self) -> Path:
        return self.data / "admin.sock"

    def socket_of(self, process: str) -> Path:
        """The admin socket of one of several processes."""
        return self.data / f"{process}.sock"


DECLARED: tuple[Setting, ...] = tuple(Setting(one.name, **one.metadata) for one in columns(Settings))
_BY_ENV = {setting.env_name: setting for setting in DECLARED}


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
    """A value as it may be printed: a token and the password in an address become ``***``."""
    if row.name.endswith(("_token", "_password")):
        return "***" if value else ""
    return re.sub(r"(?<=://)([^:@/]*):[^@/]*@", r"\1:***@", str(value))
