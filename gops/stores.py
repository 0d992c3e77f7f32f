"""Opens the time-series store that the settings name: the only importer of adapters."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gops.clock import DAY, SystemClock
from gops.errors import BadSetting
from gops.settings import Settings
from gops.store.holding import refuse_held as still_held

if TYPE_CHECKING:
    from gops.store.port import Store


def open_store(chosen: Settings, process: str = "") -> Store:
    """The store. ``process`` names one of several that write to it, the same after a restart.

    Raises ``BadSetting`` for what is missing or contradicts itself, ``Unavailable`` when it can't be
    reached or is held by another process."""
    if chosen.store == "memory":
        from gops.store.memory import MemoryStore

        return MemoryStore(deliveries_kept(chosen))
    if chosen.store == "influx":
        return _influx(chosen)
    if chosen.store == "victoria":
        return _victoria(chosen, process or chosen.mqtt_client_id)
    return _duckdb(chosen)


def refuse_held(chosen: Settings, patience_s: float) -> None:
    """Raises ``Unavailable`` (``store_held``) when another process still holds the embedded store after that time."""
    if chosen.store == "duckdb":
        still_held(chosen.data / "store", patience_s)


def deliveries_kept(chosen: Settings) -> int:
    """MQTT messages of a session that are recognised when they come again."""
    return 2 * max(chosen.mqtt_receive_maximum, chosen.mqtt_batch)  # 3.1.1 knows no receive maximum


def _duckdb(chosen: Settings) -> Store:
    from gops.store.duckdb import PACE, DuckdbStore

    return DuckdbStore(
        chosen.data / "store",
        memory_mb=chosen.store_memory_mb,
        threads=chosen.store_threads,
        queue=chosen.store_queue,
        deliveries_kept=deliveries_kept(chosen),
        day_offset_s=standard_offset_s(chosen.zone),
        recent_rows=chosen.store_recent_rows,
        pace=replace(PACE, seal_after_hours=chosen.store_seal_after_hours),
    )


def standard_offset_s(zone: ZoneInfo) -> int:
    """Seconds east of UTC, summer time left out."""
    winter = datetime(2026, 1, 1, tzinfo=zone)
    return int(((winter.utcoffset() or timedelta()) - (winter.dst() or timedelta())).total_seconds())


def _influx(chosen: Settings) -> Store:
    from gops.store.influx import InfluxStore, Place

    _check_url(chosen)
    return InfluxStore(
        Place(chosen.store_url, chosen.store_bucket, chosen.store_org, chosen.store_token),
        SystemClock(),
        timeout_s=chosen.store_timeout_seconds,
        queue=chosen.store_queue,
        deliveries_kept=deliveries_kept(chosen),
    )


def _victoria(chosen: Settings, process: str) -> Store:
    from gops.store.victoria import Place, VictoriaStore

    _check_url(chosen)
    if "/insert/" in chosen.store_url and not (chosen.store_read_url and chosen.store_keeper_urls):
        raise BadSetting(
            "GOPS_STORE_URL is that of a VictoriaMetrics cluster, which is read elsewhere and kept elsewhere still",
            field="GOPS_STORE_READ_URL",
            expected="GOPS_STORE_READ_URL (vmselect: /select/0/prometheus), GOPS_STORE_KEEPER_URLS (every vmstorage)",
        )
    store = VictoriaStore(
        Place(chosen.store_url, chosen.store_read_url, chosen.store_keeper_urls, chosen.store_token),
        SystemClock(),
        name=chosen.store_series,
        writer=f"{socket.gethostname()} {chosen.data} {process}",
        settle_s=chosen.store_settle_seconds,
        flush="snapshot" if chosen.store_flush == "snapshot" else "wait",
        timeout_s=chosen.store_timeout_seconds,
        queue=chosen.store_queue,
        deliveries_kept=deliveries_kept(chosen),
        retention_days=chosen.store_keeps_days or None,
    )
    if store.keeps is not None and store.keeps < chosen.accept_past_days * DAY:
        store.close()
        raise BadSetting(
            f"VictoriaMetrics keeps readings for {-(-store.keeps // DAY)} days and drops older ones, "
            f"which GOPS_ACCEPT_PAST_DAYS ({chosen.accept_past_days}) would accept",
            field="GOPS_ACCEPT_PAST_DAYS",
            found=chosen.accept_past_days,
            expected="a longer -retentionPeriod of VictoriaMetrics, such as 20y, or a smaller GOPS_ACCEPT_PAST_DAYS",
        )
    return store


def _check_url(chosen: Settings) -> None:
    if not chosen.store_url:
        raise BadSetting(
            f"GOPS_STORE={chosen.store} names a store that is a server, and no address is set",
            field="GOPS_STORE_URL",
            expected="its address in GOPS_STORE_URL, such as http://127.0.0.1:8428",
        )
