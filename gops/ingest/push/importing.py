"""``gops import``: a file of any size into a GOPS, part by part over HTTP; what was cut off goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlencode

import orjson

from gops.errors import Conflict, Forbidden, GopsError, Invalid, Unauthenticated, Unavailable
from gops.ingest.push.formats import MEDIA_TYPES, Format
from gops.ingest.push.parts import PART_BYTES, Part, parts
from gops.outbound import Outbound
from gops.outbound.client import Answer, Bounds, Call

COUNTED = ("accepted", "inserted", "replaced", "unchanged", "kept", "refused")
HEAD_BYTES = 1 << 20
WAIT_SECONDS = 5.0
ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
"""Whoever gives the command chooses where it goes; the guard is against addresses that others set."""
BOUNDS = Bounds(connect=10.0, read=300.0, total=600.0, size=8 << 20, redirects=0)
RETRIED = frozenset({409, 429, 503})


@dataclass(frozen=True)
class Import:
    """What to send where. ``parameters`` stand in the address of every push; ``tries`` of each part."""

    file: Path
    format: Format
    url: str
    key: str = field(repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict)
    tries: int = 12
    part_bytes: int = PART_BYTES

    @property
    def identity(self) -> str:
        """Of the file as it is now, and of where it goes: hash of its head, size, time of its last change."""
        facts = self.file.stat()
        with self.file.open("rb") as file:
            head = hashlib.sha256(file.read(HEAD_BYTES)).hexdigest()
        said = [str(self.file.resolve()), head, facts.st_size, facts.st_mtime_ns, self.format, self.url]
        return hashlib.sha256(orjson.dumps([*said, sorted(self.parameters.items())])).hexdigest()[:32]


@dataclass
class Progress:
    """How far an import is. ``run`` is its own, so that a later import of the same file is another one. ``parts`` are
    done, ``bytes`` of the unpacked file; ``counts`` by ``COUNTED``."""

    run: str = field(default_factory=lambda: secrets.token_hex(8))
    parts: int = 0
    bytes: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    unknown: set[str] = field(default_factory=set)
    by_code: Counter[str] = field(default_factory=Counter)
    named: int = 0  # refusals that were told one by one


class Journal:
    """The progress of an import on disk, until it is done."""

    def __init__(self, folder: Path, identity: str) -> None:
        self._file = folder / f"{identity}.json"

    def read(self) -> Progress:
        try:
            kept = json.loads(self._file.read_text())
        except FileNotFoundError:
            return Progress()
        except (OSError, ValueError) as error:
            raise Invalid(f"{self._file} cannot be read; remove it to begin anew", field="state") from error
        counts, codes = Counter(kept["counts"]), Counter(kept["by_code"])
        return Progress(kept["run"], kept["parts"], kept["bytes"], counts, set(kept["unknown"]), codes, kept["named"])

    def write(self, progress: Progress) -> None:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps({**vars(progress), "unknown": sorted(progress.unknown)}))
        os.replace(fresh, self._file)

    def remove(self) -> None:
        self._file.unlink(missing_ok=True)


class Importer:
    """``run`` sends what is not sent yet. ``refused`` gets a line of JSON for every refusal that is told."""

    def __init__(
        self,
        wanted: Import,
        journal: Journal | None,
        refused: TextIO | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        sleep: Callable[[float], None] = time.sleep,
        outbound: Outbound | None = None,
    ) -> None:
        self._wanted = wanted
        self._journal = journal
        self._refused = refused
        self._on_progress = on_progress
        self._sleep = sleep
        self._outbound = outbound or Outbound(BOUNDS, ANYWHERE)
        self._identity = wanted.identity

    def run(self) -> Progress:
        """Raises ``Unavailable`` when GOPS stays away, and what it answers to a part that it does not take at all."""
        progress = self._journal.read() if self._journal else Progress()
        self._keep(progress)
        before = progress.parts
        for number, part in enumerate(parts(self._wanted.file, self._wanted.format, self._wanted.part_bytes)):
            if number >= before:
                self._count(progress, part, self._push(part, f"import-{progress.run}-{number}"))
                self._keep(progress)
                self._on_progress(progress)
        if self._wanted.identity != self._identity:
            raise Conflict("the file changed while it was imported", field="file", found=str(self._wanted.file))
        if self._journal:
            self._journal.remove()
        return progress

    def _keep(self, progress: Progress) -> None:
        if self._journal:
            self._journal.write(progress)

    def _push(self, part: Part, key: str) -> Mapping[str, Any]:
        wanted = self._wanted
        call = Call(
            f"{wanted.url}/observations?{urlencode(wanted.parameters)}",
            "POST",
            {
                "Authorization": f"Bearer {wanted.key}",
                "Content-Type": MEDIA_TYPES[part.format],
                "Idempotency-Key": key,
            },
            part.body,
            (wanted.key,),
        )
        trouble: GopsError = Unavailable("nothing was tried")
        for attempt in range(wanted.tries):
            if attempt:
                self._sleep(WAIT_SECONDS)
            try:
                answer = self._outbound.fetch(call)
            except Unavailable as error:
                trouble = error
                continue
            if answer.status not in RETRIED:
                return _answered(answer)
            trouble = _problem(answer)
        raise trouble

    def _count(self, progress: Progress, part: Part, said: Mapping[str, Any]) -> None:
        progress.parts += 1
        progress.bytes = part.bytes
        for name in COUNTED:
            if said[name] is None:
                progress.unknown.add(name)
            else:
                progress.counts[name] += said[name]
        progress.by_code.update(said["refused_by_code"])
        progress.named += len(said["refusals"])
        if self._refused is not None:
            for one in said["refusals"]:
                place, number = _moved(one["place"], part.before)
                row = {**one, "place": place, "row": part.raw(number) if number else ""}
                self._refused.write(json.dumps(row, ensure_ascii=False) + "\n")
            self._refused.flush()


_place = re.compile(r"(line |row )(\d+)(.*)", re.DOTALL).fullmatch


def _moved(place: str, by: int) -> tuple[str, int]:
    """The place in the whole file, and the number in it."""
    found = _place(place)
    if found is None:
        return place, 0
    return f"{found[1]}{int(found[2]) + by}{found[3]}", int(found[2]) + by


def _answered(answer: Answer) -> Mapping[str, Any]:
    """The counts of a part; those too of one whose every row was refused."""
    body = _body(answer)
    taken_in = answer.status == 200 or (answer.status == 422 and body.get("code") in ("all_refused", "empty"))
    if taken_in and all(name in body for name in (*COUNTED, "refusals", "refused_by_code")):
        return body
    raise _problem(answer)


def _problem(answer: Answer) -> GopsError:
    body = _body(answer)
    kind = {401: Unauthenticated, 403: Forbidden, 409: Conflict, 429: Unavailable, 503: Unavailable}
    detail = str(body.get("detail", "no GOPS answered"))[:1000]
    expected = body.get("expected")
    return kind.get(answer.status, Invalid)(
        f"{answer.url} answered {answer.status}: {detail}",
        code=str(body.get("code", "bad_answer")),
        expected=None if expected is None else str(expected)[:200],
    )


def _body(answer: Answer) -> dict[str, Any]:
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
