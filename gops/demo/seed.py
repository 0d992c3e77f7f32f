"""Put the demo's municipalities, devices, datasets and sites into the records. Again, it adds what is missing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gops.demo import datasets, registry
from gops.demo.fleet import FLEET, DemoDevice
from gops.demo.hourly import HOURLY
from gops.demo.province import Municipality
from gops.demo.sites import SITES, DemoSite
from gops.errors import Malformed

if TYPE_CHECKING:
    from gops.record_services import Records

CREDENTIALS = Path("demo") / "devices.json"


def seed(
    services: Records,
    data: Path,
    fleet: Sequence[DemoDevice] = FLEET + HOURLY,
    sites: Sequence[DemoSite] = SITES,
    done: Callable[[int], object] = lambda _count: None,
) -> dict[str, str]:
    """The secrets of all devices by address, as they stand in ``demo/devices.json`` (0600) of the data folder.

    Each municipality is one unit; ``done`` is told after it how many more devices are there. Raises ``Conflict`` when
    a device of the same address is somebody's own.
    """
    path = data / CREDENTIALS
    secrets = read_credentials(path)
    names = {row.key: row.name_ko for row in services.properties.list(limit=1000)}
    by_city: dict[Municipality, list[DemoDevice]] = {}
    for device in fleet:
        by_city.setdefault(device.city, []).append(device)
    for city, devices in by_city.items():
        with services.database.together():
            actor = registry.publisher(services, city)
            found = registry.register(services, actor, city, devices, secrets)
            furnished = list(registry.furnish(services, actor, city, devices, names))
            observed = [pair for one in furnished for pair in one.observed]
            datasets.publish(services, actor, city, observed, changed=any(one.made for one in furnished))
            registry.offer_sites(services, actor, city, [site for site in sites if site.city == city])
        if not found.items() <= secrets.items():
            secrets |= found
            _write(path, secrets)  # at once: each is shown this once
        done(len(devices))
    return {device.address: secrets[device.address] for device in fleet}


def read_credentials(path: Path) -> dict[str, str]:
    """Secrets by address; none where there is no such file. Raises ``Malformed``."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(secret, str) for secret in found.values()):
        raise Malformed(f"{path} does not hold the demo's credentials", expected="an object; without it, new ones")
    return found


def _write(path: Path, secrets: dict[str, str]) -> None:
    """Whole or not at all, and never readable by others."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        json.dump(secrets, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
