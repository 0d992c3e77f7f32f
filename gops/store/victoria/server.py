"""Talking HTTP with VictoriaMetrics: writing lines, exporting rows, asking, and having it write to disk.

Lines are written through influxdb-client, everything else is one request through urllib3. Only a question is asked
again, once, where the connection breaks. Errors are ``Unavailable`` in words of ours: those of the libraries may hold
an address or a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote, urlsplit, urlunsplit

import numpy as np
import numpy.typing as npt
import orjson
import urllib3
from influxdb_client import InfluxDBClient, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from gops import logs
from gops.errors import Unavailable

ONCE_MORE = urllib3.Retry(
    1, connect=0, redirect=0, status=0, allowed_methods=None
)  # the server closes idle connections
Flush = Literal["wait", "snapshot"]
SHOWN = 300  # bytes of a refusal of the server that the log repeats
ROWS_A_LINE = 50_000  # of an export
KEEPS = b'flag{name="storageDataPath"'
START = re.compile(rb"^vm_app_start_timestamp (\S+)$", re.MULTILINE)
FLAG = re.compile(rb'^flag\{name="([^"]+)", value="([^"]*)"', re.MULTILINE)
VERSION = re.compile(rb'^vm_app_version\{[^}]*short_version="([^"]*)"', re.MULTILINE)
log = logs.get(__name__)


@dataclass(frozen=True)
class Place:
    """Where VictoriaMetrics is. ``read`` is ``write`` where it is empty, and so is ``keepers``: the addresses of the
    servers that keep the data, which are not those that take it in a cluster. ``token`` goes as ``Bearer``; an
    address may hold user and password instead."""

    write: str = field(repr=False)
    read: str = field(default="", repr=False)
    keepers: Sequence[str] = field(default=(), repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Exported:
    """Samples of one series, or some of them: times in milliseconds, ascending."""

    labels: Mapping[str, str]
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]


@dataclass(frozen=True)
class About:
    """What the servers that keep the data say of themselves; ``flags`` of the first."""

    starts: tuple[bytes, ...]
    version: str
    flags: Mapping[str, str]


class Server:
    """``timeout_s`` bounds the connecting and each silence in an answer. Methods may be called from any thread."""

    def __init__(self, place: Place, timeout_s: float) -> None:
        self._read, headers = _parted(place.read or place.write, place.token)
        self._keepers = [_parted(one, place.token) for one in place.keepers or [place.write]]
        self._timeout_s = timeout_s
        self._pool = urllib3.PoolManager(
            headers=headers, timeout=urllib3.Timeout(connect=timeout_s, read=timeout_s), retries=False, maxsize=8
        )
        url, headers = _parted(place.write, place.token)
        self._client = InfluxDBClient(url, timeout=round(timeout_s * 1000))
        self._client.api_client.default_headers.update(headers)
        self._writing = self._client.write_api(write_options=SYNCHRONOUS)

    def write(self, lines: bytes) -> None:
        """Hand in line protocol with times in milliseconds. That it was taken does not mean that it is kept."""
        precision: Any = WritePrecision.MS
        try:
            self._writing.write(bucket="", org="", record=lines, write_precision=precision)
        except ApiException as error:
            raise _refused("write", int(error.status or 0), str(error.body or "").encode()) from error
        except (HTTPError, OSError) as error:
            raise _away("write") from error

    def export(self, matches: Sequence[str], start: int, end: int) -> Iterator[Exported]:
        """Samples of the series that match, from ``start`` to ``end`` milliseconds, both included."""
        fields = [("match[]", one) for one in matches]
        fields += [
            ("start", _seconds(start)),
            ("end", _seconds(end)),
            ("max_rows_per_line", str(ROWS_A_LINE)),
        ]
        for line in self._post("/api/v1/export", fields).split(b"\n"):
            if line:
                one = orjson.loads(line)
                times, values = np.array(one["timestamps"], np.int64), np.array(one["values"], np.float64)
                yield Exported(one["metric"], times, values)

    def ask(self, query: str, moment: int) -> Sequence[tuple[Mapping[str, str], float]]:
        """The labels and value of each series that the query yields at ``moment`` milliseconds."""
        fields = [("query", query), ("time", _seconds(moment)), ("nocache", "1")]
        answer = orjson.loads(self._post("/api/v1/query", fields))
        return [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]

    def about(self) -> About:
        """Raises ``Unavailable`` when one of the servers that keep the data does not say when it started.

        A proxy answers for itself: its own start would hide those of the servers behind it.
        """
        pages = [self._get(url, headers, "/metrics") for url, headers in self._keepers]
        starts = [START.search(page) for page in pages]
        if not all(starts) or not all(KEEPS in page for page in pages):
            raise Unavailable(
                "a server that should keep the readings is no VictoriaMetrics that stores data",
                code="store_answer",
                expected="its own address in GOPS_STORE_KEEPER_URLS (vmstorage, or a single node that has a proxy)",
            )
        flags = {name.decode(): value.decode() for name, value in FLAG.findall(pages[0])}
        version = VERSION.search(pages[0])
        return About(tuple(one[1] for one in starts if one), version[1].decode() if version else "", flags)

    def flush(self) -> None:
        """Have everything that was taken written to disk: what each server does before it makes a snapshot."""
        for url, headers in self._keepers:
            answer = orjson.loads(self._get(url, headers, "/snapshot/create"))
            if answer.get("status") != "ok":
                raise _refused("flush", 200, str(answer.get("msg", "")).encode())
            self._get(url, headers, f"/snapshot/delete?snapshot={answer['snapshot']}")

    def close(self) -> None:
        self._writing.close()
        self._client.close()
        self._pool.clear()

    def _post(self, path: str, fields: Sequence[tuple[str, str]]) -> bytes:
        return self._ask("POST", self._read + path, fields=fields, encode_multipart=False, retries=ONCE_MORE)

    def _get(self, url: str, headers: Mapping[str, str], path: str) -> bytes:
        return self._ask("GET", url + path, headers=headers)

    def _ask(self, method: str, url: str, **more: Any) -> bytes:
        try:
            answer = self._pool.request(method, url, **more)
        except (HTTPError, OSError) as error:
            raise _away("read") from error
        if answer.status >= 300:
            raise _refused("read", answer.status, answer.data)
        return answer.data


def _parted(address: str, token: str) -> tuple[str, dict[str, str]]:
    """The address without user and password, and the headers that say who asks."""
    parts = urlsplit(address)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if parts.username is not None:
        headers = urllib3.make_headers(basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", "")), dict(headers)


def _seconds(moment: int) -> str:
    """Milliseconds as the server reads times: seconds with a fraction, exactly."""
    sign, whole = ("-" if moment < 0 else ""), abs(moment)
    return f"{sign}{whole // 1000}.{whole % 1000:03d}"


def _away(doing: str) -> Unavailable:
    return Unavailable(f"VictoriaMetrics can't be reached to {doing}, or does not answer in time", code="store_away")


def _refused(doing: str, status: int, said: bytes) -> Unavailable:
    log.error("store_refused", doing=doing, status=status, said=said[:SHOWN].decode(errors="replace"))
    return Unavailable(
        f"VictoriaMetrics refuses to {doing} (HTTP {status}); GOPS's log says what it said", code="store_answer"
    )
