"""Talking HTTP with InfluxDB: lines through influxdb-client, InfluxQL through urllib3.

Errors are ``Unavailable`` where waiting or the operator may mend it, ``Invalid`` where what was written is wrong, in
words of ours: those of the libraries may hold an address or a token, and those of the server go to the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

import orjson
import urllib3
from influxdb_client import InfluxDBClient, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from gops import logs
from gops.errors import BadSetting, GopsError, Invalid, Unavailable

CHUNK_ROWS = 20_000  # of a series in one piece of an answer
READ_BYTES = 1 << 18
SHOWN = 300  # bytes of what the server says that the log repeats
CONNECTIONS = 16
CONNECT_SECONDS = 5.0  # at most, for a connection
TRIES = urllib3.Retry(
    total=2,
    read=0,  # who is silent for the whole time-out is not asked again at once
    status_forcelist=(429, 502, 503, 504),
    allowed_methods=None,  # a point written twice is one point
    backoff_factor=0.1,
    raise_on_status=False,
    respect_retry_after_header=False,
)
log = logs.get(__name__)


@dataclass(frozen=True)
class Place:
    """Where InfluxDB is. ``bucket`` is the database of 1.x. ``token`` goes as ``Token``; for 1.x the address holds
    user and password instead. ``org`` is for 2.x alone."""

    url: str = field(repr=False)
    bucket: str = "gops"
    org: str = ""
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", self.bucket):  # it stands in statements
            raise BadSetting("the name of a bucket has 1 to 64 letters, digits, _ . and -", field="GOPS_STORE_BUCKET")


@dataclass(frozen=True)
class Piece:
    """Rows of one series, or some of them: ``values`` has a list a row, in the order of ``columns``."""

    tags: Mapping[str, str]
    columns: list[str]
    values: list[list[Any]]


class Inexpressible(Exception):
    """The answer holds a number that JSON can't spell, such as an infinite sum."""


class Server:
    """``timeout_s`` bounds each silence in an answer. Methods may be called from any thread."""

    def __init__(self, place: Place, timeout_s: float) -> None:
        self.bucket = place.bucket
        self.version = ""
        self._org = place.org
        self._url, headers = _parted(place)
        connect_s = min(timeout_s, CONNECT_SECONDS)
        timeout = urllib3.Timeout(connect=connect_s, read=timeout_s)
        self._pool = urllib3.PoolManager(headers=headers, timeout=timeout, retries=TRIES, maxsize=CONNECTIONS)
        milliseconds = (round(connect_s * 1000), round(timeout_s * 1000))
        self._client = InfluxDBClient(self._url, token="", timeout=milliseconds, retries=TRIES)
        self._client.api_client.default_headers.update(headers)
        self._writing = self._client.write_api(write_options=SYNCHRONOUS)

    def write(self, lines: bytes) -> None:
        """Have lines with times in microseconds stored. Raises ``Unavailable``, ``Invalid`` (``store_refused``)."""
        try:
            self._writing.write(self.bucket, self._org, lines, WritePrecision.US)  # type: ignore[arg-type]
        except ApiException as error:
            raise _write_refused(int(error.status or 0), str(error.body or "")) from error
        except (HTTPError, OSError) as error:
            raise _away() from error

    def ask(self, question: str, rows: int = CHUNK_ROWS) -> Iterator[Piece]:
        """The answer to one statement, as it comes. Raises ``Unavailable``, ``Inexpressible``."""
        answer = self._request("POST", "/query", {"q": question}, epoch="u", chunked="true", chunk_size=str(rows))
        done = False
        try:
            if answer.status != 200:
                raise _asking_refused(answer.status, answer.read(SHOWN))
            whole = False
            for line in _lines(answer):
                [result] = _parsed(line)["results"]
                if "error" in result:
                    raise _asking_refused(answer.status, str(result["error"]).encode())
                for one in result.get("series", ()):
                    yield Piece(one.get("tags") or {}, one["columns"], one.get("values") or [])
                whole = not result.get("partial", False)
            if not whole:
                raise _broken()
            done = True
        except (HTTPError, OSError) as error:
            raise _away() from error
        finally:
            if done:
                answer.release_conn()
            else:
                answer.close()

    def run(self, statement: str) -> list[Piece]:
        """``ask``, and wait for the whole answer."""
        return list(self.ask(statement))

    def look(self) -> str:
        """The version that the server names, "" for none. Raises ``Unavailable``."""
        answer = self._request("GET", "/ping", {})
        try:
            body = answer.read(READ_BYTES)
        except (HTTPError, OSError) as error:
            raise _away() from error
        finally:
            answer.release_conn()
        if answer.status >= 300:
            raise _asking_refused(answer.status, body)
        found = re.search(rb'"version"\s*:\s*"([^"]{1,40})"', body)  # 3.x answers JSON
        self.version = self.version or (found[1].decode(errors="replace") if found else "")
        return self.version

    def close(self) -> None:
        self._writing.close()
        self._client.close()
        self._pool.clear()

    def _request(self, method: str, path: str, body: Mapping[str, str], **query: str) -> urllib3.BaseHTTPResponse:
        fields = {"db": self.bucket, **query}
        more: dict[str, Any] = {"fields": dict(body), "encode_multipart": False} if body else {}
        address = f"{self._url}{path}?{urlencode(fields)}"
        try:
            answer = self._pool.request(method, address, preload_content=False, **more)
        except (HTTPError, OSError) as error:
            raise _away() from error
        self.version = answer.headers.get("X-Influxdb-Version", self.version)[:40]
        return answer


def _parted(place: Place) -> tuple[str, dict[str, str]]:
    """The address without user and password, and the headers that say who asks."""
    parts = urlsplit(place.url)
    headers = {"Authorization": f"Token {place.token}"} if place.token else {}
    if parts.username is not None:
        headers = urllib3.make_headers(basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", "")), dict(headers)


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """The lines of an answer, one JSON object each."""
    rest = b""
    for part in answer.stream(READ_BYTES):
        *whole, rest = (rest + part).split(b"\n") if b"\n" in part else (rest + part,)
        yield from filter(None, whole)
    if rest:
        yield rest


def _parsed(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if b"unsupported value" in line:
            raise Inexpressible from error
        raise _broken() from error


def _away() -> Unavailable:
    return Unavailable("InfluxDB can't be reached, or does not answer in time", code="store_away")


def _broken() -> Unavailable:
    return Unavailable("the answer of InfluxDB ends before it is whole", code="store_away")


def _asking_refused(status: int, said: bytes) -> Unavailable:
    log.error("store_refused", status=status, said=said[:SHOWN].decode(errors="replace"))
    return Unavailable(
        f"InfluxDB does not answer a question (HTTP {status}); GOPS's log says why", code="store_answer", found=status
    )


_LIMITS = ("max-values-per-tag", "max-series-per-database", "cache-max-memory-size")


def _write_refused(status: int, said: str) -> GopsError:
    """What a refused write is: the readings' own fault only where the server says so."""
    log.error("store_refused", status=status, said=said[:SHOWN])
    if status in (400, 422) and not any(limit in said for limit in _LIMITS):
        reason, expected = "InfluxDB refuses the readings; GOPS's log says why", "readings that the database takes"
        if "field type conflict" in said:
            reason = "the database has fields of other types under GOPS's names"
            expected = "a database that only GOPS writes to"
        elif "retention policy" in said:
            reason, expected = "the readings are older than the database keeps them", "readings within its retention"
        return Invalid(reason, code="store_refused", field="batch", found=f"HTTP {status}", expected=expected)
    reasons = {
        400: "a limit of InfluxDB's own is reached; GOPS's log names it",
        401: "InfluxDB does not know the user or token of GOPS",
        403: "InfluxDB does not let GOPS write",
        404: "InfluxDB has no such database or bucket, or is older than 1.8 and has no /api/v2/write",
        413: "InfluxDB takes smaller requests only: raise its max-body-size to 25 MB",
    }
    reason = reasons.get(status, "InfluxDB fails to write; GOPS's log says why")
    return Unavailable(f"{reason} (HTTP {status})", code="store_answer", found=status)
