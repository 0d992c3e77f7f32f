"""Refusals as they are shown."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from gops.ingest.model import Refusal, RefusedMessage
from gops.ingest.refused import CODES, Code


@dataclass(frozen=True)
class Raw:
    """What is kept of the message: as text where it is UTF-8, else as base64. ``cut`` says that there was more."""

    text: str | None
    base64: str | None
    cut: bool


@dataclass(frozen=True)
class ShownRefusal:
    """A refusal as its owner sees it. ``at`` in microseconds, ``digest`` the SHA-256 of the whole message in hex,
    ``size`` its bytes. ``ko`` and ``en`` say what its code means. ``raw`` is left out of lists. ``tried_at`` is when it
    was last replayed, ``settled_at`` when a replay took it in."""

    id: int
    at: int
    organisation_id: int
    feed: str
    device: str
    topic: str
    code: str
    field: str | None
    place: str
    note: str
    revision: int | None
    digest: str
    size: int
    ko: str
    en: str
    tried_at: int | None
    settled_at: int | None
    raw: Raw | None = None


@dataclass(frozen=True)
class RefusalTotal:
    """How many like refusals there were. ``device`` and ``field`` are None for who may only count."""

    organisation_id: int
    feed: str
    device: str | None
    code: str
    field: str | None
    total: int


def shown(refusal: Refusal, size: int, message: Raw | None = None) -> ShownRefusal:
    meaning = CODES.get(refusal.code, Code(refusal.code, refusal.code))  # one of an earlier version
    return ShownRefusal(
        refusal.id,
        refusal.at,
        refusal.organisation_id,
        refusal.feed,
        refusal.device,
        refusal.topic,
        refusal.code,
        refusal.field,
        refusal.place,
        refusal.note,
        refusal.revision,
        refusal.digest.hex(),
        size,
        meaning.ko,
        meaning.en,
        refusal.tried_at,
        refusal.settled_at,
        message,
    )


def raw(message: RefusedMessage) -> Raw:
    cut = message.size > len(message.raw)
    try:
        return Raw(message.raw.decode(), None, cut)
    except UnicodeDecodeError as error:
        if cut and error.end == len(message.raw) and error.start >= len(message.raw) - 3:  # cut inside a character
            return Raw(message.raw[: error.start].decode(), None, cut)
        return Raw(None, base64.b64encode(message.raw).decode(), cut)
