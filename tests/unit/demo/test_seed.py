"""Seeding: everything is there afterwards, once, and secrets are kept from others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gops import compose
from gops.clock import FixedClock
from gops.demo.datasets import WHOLE
from gops.demo.fleet import FLEET, SUWON
from gops.demo.hourly import HOURLY
from gops.demo.province import MUNICIPALITIES
from gops.demo.registry import OPERATOR
from gops.demo.seed import CREDENTIALS, seed
from gops.demo.sites import SITES
from gops.errors import Conflict, Malformed
from gops.permissions import ANONYMOUS, Actor
from gops.settings import Settings

FEW = tuple(device for device in FLEET if device.name in ("air-ingye", "parking-cityhall", "people-pangyo"))


@pytest.fixture
def services(settings: Settings, clock: FixedClock) -> compose.Records:
    compose.initialise(settings, clock)
    opened = compose.records(settings, clock)
    yield opened
    opened.database.close()


def counted(services: compose.Records) -> tuple[int, ...]:
    actor = Actor(
        1, None, services.organisations.get("suwon").id, frozenset({"owner"}), scopes=frozenset({"data:read"})
    )
    return (
        len(services.organisations.list(limit=1000)),
        len(services.devices.list(actor, "suwon", limit=1000)),
        len(services.datastreams.list(ANONYMOUS, limit=1000)),
        len(services.things.list(ANONYMOUS, limit=1000)),
        len(services.datasets.list(ANONYMOUS, limit=1000)),
        len(services.sites.list(ANONYMOUS, limit=1000)),
    )


def test_every_field_of_every_device_is_a_public_datastream(services: compose.Records, tmp_path: Path) -> None:
    some = FLEET + HOURLY[-14:]
    secrets = seed(services, tmp_path, some)
    assert set(secrets) == {device.address for device in some}
    for device in some:
        assert services.devices.authenticate(device.address, secrets[device.address]) is not None
        route = services.mappings.route(device.address)
        assert route is not None
        assert set(route.fields) == {field.name for field in device.fields}
        found = services.datastreams.many(ANONYMOUS, [target.datastream for target in route.fields.values()])
        assert {one.period for one in found} == {"PT10S" if device.is_live else "PT1H"}
        thing = services.things.get(ANONYMOUS, found[0].thing_id)
        assert (thing.name, thing.properties["name_en"]) == (device.name_ko, device.name_en)
        place = services.things.places(ANONYMOUS, [thing.id])[thing.id]
        assert (place.longitude, place.latitude) == (device.longitude, device.latitude)


def test_a_municipality_publishes_its_datasets_and_offers_its_sites(services: compose.Records, tmp_path: Path) -> None:
    gapyeong = MUNICIPALITIES[-2]
    seed(services, tmp_path, FEW + tuple(device for device in HOURLY if device.city == gapyeong))
    published = {one.slug: one for one in services.datasets.list(ANONYMOUS, limit=1000)}
    assert set(published) == {"suwon-air", "suwon-streets", "seongnam-streets", f"gapyeong-{WHOLE.key}"}
    assert published["suwon-air"].title_ko == "수원시 대기질"
    offered = services.sites.list(ANONYMOUS, "gapyeong", limit=1000)
    assert {site.name_en for site in offered} == {site.name_en for site in SITES if site.city == gapyeong}


def test_seeding_again_adds_nothing_and_keeps_secrets(services: compose.Records, tmp_path: Path) -> None:
    first = seed(services, tmp_path, FEW)
    before = counted(services)
    assert before == (4, 2, 7, 3, 3, 25)
    assert seed(services, tmp_path, FEW) == first
    assert counted(services) == before


def test_what_is_missing_is_added(services: compose.Records, tmp_path: Path) -> None:
    less = replace(FEW[0], fields=FEW[0].fields[:1])
    first = seed(services, tmp_path, [less])
    assert len(services.mappings.route(less.address).fields) == 1  # type: ignore[union-attr]
    assert seed(services, tmp_path, FEW[:1]) == first
    route = services.mappings.route(less.address)
    assert route is not None
    assert len(route.fields) == 4
    services.datastreams.many(ANONYMOUS, [target.datastream for target in route.fields.values()])  # all are public


def test_credentials_are_for_their_owner_only(services: compose.Records, tmp_path: Path) -> None:
    secrets = seed(services, tmp_path, FEW)
    path = tmp_path / CREDENTIALS
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert json.loads(path.read_text()) == secrets
    assert [one.name for one in path.parent.iterdir()] == ["devices.json"]


def test_lost_credentials_are_made_anew(services: compose.Records, tmp_path: Path) -> None:
    first = seed(services, tmp_path, FEW)
    (tmp_path / CREDENTIALS).unlink()
    second = seed(services, tmp_path, FEW)
    assert set(first.values()).isdisjoint(second.values())
    assert all(services.devices.authenticate(address, secret) for address, secret in second.items())


@pytest.mark.parametrize("text", ["", "[]", "nonsense", '{"suwon/air-ingye": 5}'])
def test_a_damaged_file_of_credentials_is_named(services: compose.Records, tmp_path: Path, text: str) -> None:
    (tmp_path / CREDENTIALS).parent.mkdir()
    (tmp_path / CREDENTIALS).write_text(text)
    with pytest.raises(Malformed, match=r"devices\.json does not hold"):
        seed(services, tmp_path, FEW)


def test_a_device_of_somebody_else_is_left_alone(services: compose.Records, tmp_path: Path) -> None:
    home = services.organisations.create(OPERATOR, SUWON.slug, "municipality", "수원시", "Suwon")
    owner = Actor(1, None, home.id, frozenset({"owner"}), scopes=frozenset({"data:write"}))
    _device, secret = services.devices.register(owner, "suwon", "air-ingye")
    with pytest.raises(Conflict, match="suwon/air-ingye is no device of the demo"):
        seed(services, tmp_path, FEW)
    assert services.devices.authenticate("suwon/air-ingye", secret) is not None
