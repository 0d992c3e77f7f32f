"""The secret with which GOPS logs in to its own embedded broker: made once, kept in a file that only GOPS reads."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from gops.errors import BadSetting
from gops.ingest.mqtt.address import BrokerAddress, parse
from gops.settings import Settings

SERVICE_USER = "gops"


def service_secret(data: Path) -> str:
    """The text of ``data/secrets/ingest``, mode 0600; broker and ingest may both be the first to ask."""
    path = data / "secrets" / "ingest"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mine = path.with_name(f"ingest.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(32))
    try:
        os.link(mine, path)  # whoever comes second keeps the first one's, and nobody reads half a file
    except FileExistsError:
        pass
    finally:
        mine.unlink()
    if path.stat().st_mode & 0o077:
        raise BadSetting(f"{path} may be read by others", field="GOPS_DATA", expected="mode 0600: chmod 600 it")
    return path.read_text().strip()


def ingest_address(settings: Settings) -> BrokerAddress:
    """The broker of ``GOPS_MQTT_URL``, or the embedded one."""
    if settings.mqtt_url:
        return parse(settings.mqtt_url, settings.mqtt_ca)
    secret = service_secret(settings.data)
    return BrokerAddress(settings.mqtt_broker_host, settings.mqtt_broker_port, username=SERVICE_USER, password=secret)
