"""Many devices at once: each row is done or named with its reason, and none keeps the others from being done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import select

from gops.accounts import checks
from gops.accounts.devices import Devices
from gops.accounts.lookup import organisation
from gops.accounts.model import Device
from gops.errors import GopsError, Invalid
from gops.permissions import Actor, require
from gops.records.database import Database

Row = TypeVar("Row")
TOGETHER = 200  # devices in one commit: others wait for the write lock meanwhile


@dataclass(frozen=True)
class DeviceRow:
    """``place`` is where it stands in what was handed in, from 1."""

    place: int
    name: str
    description: str = ""


@dataclass(frozen=True)
class Done:
    """What became of one device. ``secret`` is None where none was made, ``code`` empty where nothing is wrong."""

    place: int
    address: str
    secret: str | None = None
    device_id: int | None = None
    code: str = ""
    reason: str = ""


Told = Callable[[Sequence[Done]], None]


def _unheard(_done: Sequence[Done]) -> None:
    """Of those who wait for the end."""


class DeviceBulk:
    """``told`` hears what was done after each commit, so that secrets can be kept before the next one."""

    def __init__(self, database: Database, devices: Devices, most: int) -> None:
        self._database = database
        self._devices = devices
        self._most = most

    def register(
        self, actor: Actor, org_slug: str, rows: Sequence[DeviceRow], *, dry_run: bool = False, told: Told = _unheard
    ) -> list[Done]:
        """In the order of ``rows``. Raises ``Invalid`` for too many, ``Forbidden``, ``NotFound``.

        A dry run says what would be refused, and makes nothing.
        """
        self._refuse_too_many(len(rows))
        with self._database.read() as session:
            home = organisation(session, org_slug)
            require(actor, "device.change", home.id)
            taken = set(session.scalars(select(Device.name).where(Device.organisation_id == home.id)))
            place = home.slug

        def one(row: DeviceRow) -> Done:
            address = f"{place}/{row.name}"[:200]
            if dry_run:
                _look(row, taken)
                taken.add(row.name)
                return Done(row.place, address)
            device, secret = self._devices.register(actor, place, row.name, row.description)
            return Done(row.place, address, secret, device.id)

        return self._each(rows, one, lambda row: Done(row.place, f"{place}/{checks.shown(row.name)}"), told)

    def rotate(self, actor: Actor, addresses: Sequence[str], told: Told = _unheard) -> list[Done]:
        """A new secret for each."""
        self._refuse_too_many(len(addresses))
        rows = list(enumerate(addresses, 1))

        def one(row: tuple[int, str]) -> Done:
            return Done(*row, secret=self._devices.rotate(actor, row[1]))

        return self._each(rows, one, lambda row: Done(*row), told)

    def revoke(self, actor: Actor, addresses: Sequence[str], reason: str) -> list[Done]:
        """End the access of each."""
        self._refuse_too_many(len(addresses))
        checks.reason(reason)

        def one(row: tuple[int, str]) -> Done:
            return Done(row[0], row[1], device_id=self._devices.revoke(actor, row[1], reason).id)

        return self._each(list(enumerate(addresses, 1)), one, lambda row: Done(*row), _unheard)

    def _each(
        self, rows: Sequence[Row], act: Callable[[Row], Done], named: Callable[[Row], Done], told: Told
    ) -> list[Done]:
        done: list[Done] = []
        for begin in range(0, len(rows), TOGETHER):
            with self._database.together():
                some = [_tried(row, act, named) for row in rows[begin : begin + TOGETHER]]
            told(some)
            done += some
        return done

    def _refuse_too_many(self, count: int) -> None:
        if count > self._most:
            raise Invalid(
                f"{count} devices are too many at once",
                code="too_many_devices",
                field="devices",
                found=count,
                expected=f"at most {self._most} (GOPS_DEVICE_BULK)",
            )


def _tried(row: Row, act: Callable[[Row], Done], named: Callable[[Row], Done]) -> Done:
    try:
        return act(row)
    except GopsError as error:
        known = named(row)
        return Done(known.place, known.address, code=error.code, reason=error.message)


def _look(row: DeviceRow, taken: set[str]) -> None:
    checks.device_name(row.name)
    checks.remark(row.description, "description")
    if row.name in taken:
        raise Invalid(
            f"{row.name} is taken here, or stands here twice", code="name_taken", field="name", found=row.name
        )
