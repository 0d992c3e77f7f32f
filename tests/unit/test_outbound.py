"""The outbound client: where it goes, where it refuses to go, and what it does to itself when a host is hostile."""

from __future__ import annotations

import gzip
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest

from gops.errors import GopsError, Invalid, TooLarge, Unavailable
from gops.outbound import Bounds, Call, Outbound, mask
from gops.outbound.address import Guard

LOOPBACK = (ip_network("127.0.0.0/8"),)
BOUNDS = Bounds(connect=2, read=2, total=5, size=100_000, redirects=2)
Handle = Callable[[BaseHTTPRequestHandler], None]


class Host:
    """A server on loopback; ``handle`` answers each path. It notes what it was asked."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Handle] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.asked.append((self.path, dict(self.headers)))
                with suppress(OSError):  # the client left
                    host.answers[self.path.partition("?")[0]](self)
                self.close_connection = True

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that does not trust it
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def url(self, path: str, name: str = "127.0.0.1") -> str:
        return f"http://{name}:{self.port}{path}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def host() -> Iterator[Host]:
    server = Host()
    yield server
    server.close()


def plain(body: bytes, status: int = 200, **headers: str) -> Handle:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def refused(call: Callable[[], object], kind: type[GopsError], code: str) -> GopsError:
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.code == code
    return caught.value


def client(bounds: Bounds = BOUNDS, **more: object) -> Outbound:
    return Outbound(bounds, LOOPBACK, **more)  # type: ignore[arg-type]


def test_an_answer_comes_with_status_headers_and_body(host: Host) -> None:
    host.answers["/a"] = plain(b"hello", 404, ETag='"1"')
    answer = client().fetch(Call(host.url("/a?x=%EC%84%9C&y=1")))
    assert (answer.status, answer.headers["etag"], answer.body) == (404, '"1"', b"hello")
    assert host.asked[0][0] == "/a?x=%EC%84%9C&y=1"


def test_the_host_header_names_whom_the_address_named(host: Host) -> None:
    host.answers["/"] = plain(b"")
    outbound = client(resolve=lambda name, port: ["127.0.0.1"])
    outbound.fetch(Call(host.url("", "data.example")))
    assert host.asked[0][1]["Host"] == f"data.example:{host.port}"


# the guard


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1",
        "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1",
        "64:ff9b::a00:1", "2001:0:102:304:0:ffff:80ff:fffe",
    ],
)  # fmt: skip
def test_an_address_inside_is_refused(address: str) -> None:
    assert not Guard((), lambda name, port: []).admits(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "203.248.252.2", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_a_public_address_is_admitted(address: str) -> None:
    assert Guard((), lambda name, port: []).admits(address)


def test_a_setting_admits_its_networks_and_no_others() -> None:
    guard = Guard((ip_network("10.1.0.0/16"), ip_network("224.0.0.0/4")), lambda name, port: [])
    assert guard.admits("10.1.2.3")
    assert not guard.admits("10.2.0.1")
    assert not guard.admits("224.0.0.1"), "multicast is no host"


def test_loopback_is_refused_without_the_setting(host: Host) -> None:
    host.answers["/"] = plain(b"secret")
    refused(lambda: Outbound(BOUNDS).fetch(Call(host.url("/"))), Invalid, "address_refused")
    assert host.asked == []


@pytest.mark.parametrize("name", ["0x7f.1", "2130706433", "127.1", "0177.0.0.1", "localhost"])
def test_other_spellings_of_loopback_are_refused(name: str) -> None:
    with pytest.raises((Invalid, Unavailable)) as caught:
        Outbound(BOUNDS).check(f"http://{name}:1/")
    assert caught.value.code in ("address_refused", "host_unknown")


def test_one_address_inside_among_public_ones_refuses_them_all() -> None:
    outbound = Outbound(BOUNDS, resolve=lambda name, port: ["1.1.1.1", "127.0.0.1"])
    refused(lambda: outbound.fetch(Call("http://mixed.example/")), Invalid, "address_refused")


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(host: Host) -> None:
    """DNS rebinding: the name is resolved once, and the connection goes to what was checked."""
    host.answers["/"] = plain(b"checked")
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    outbound = client(resolve=lambda name, port: next(answers))
    assert outbound.fetch(Call(host.url("/", "rebind.example"))).body == b"checked"
    assert next(answers) == ["10.0.0.1"], "the name was asked for a second time"


def test_the_next_address_is_tried_when_one_does_not_answer(host: Host) -> None:
    host.answers["/"] = plain(b"second")
    outbound = client(resolve=lambda name, port: ["127.0.0.2", "127.0.0.1"])
    assert outbound.fetch(Call(host.url("/", "two.example"))).body == b"second"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "//example.org/", "example.org", "http://",
        "http://user:pass@example.org/", "http://example.org:0/", "http://example.org:99999/", "http://exa mple.org/",
        "http://example.org/\r\nX: y", "http://example.org\\@127.0.0.1/", "http://[::1", "",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    refused(lambda: Outbound(BOUNDS).fetch(Call(url)), Invalid, "bad_address")


def test_a_name_in_korean_is_asked_for_as_domains_are_written() -> None:
    asked: list[str] = []

    def unknown(name: str, port: int) -> list[str]:
        asked.append(name)
        raise socket.gaierror(8, "not known")

    refused(lambda: client(resolve=unknown).fetch(Call("http://서울.example/")), Unavailable, "host_unknown")
    assert asked == ["xn--2i4bq6h.example"]


def test_a_name_without_address_and_a_silent_resolver_are_unavailable() -> None:
    def unknown(name: str, port: int) -> list[str]:
        raise socket.gaierror(8, "not known")

    refused(lambda: client(resolve=unknown).fetch(Call("http://none.example/")), Unavailable, "host_unknown")
    stuck = client(replace(BOUNDS, connect=0.2), resolve=lambda name, port: time.sleep(1) or ["1.1.1.1"])
    refused(lambda: stuck.fetch(Call("http://stuck.example/")), Unavailable, "host_unknown")


# redirects


def test_a_redirect_is_followed_and_its_target_checked(host: Host) -> None:
    host.answers["/from"] = plain(b"", 302, Location="/to?a=1")
    host.answers["/to"] = plain(b"there")
    assert client().fetch(Call(host.url("/from"))).body == b"there"


def test_a_redirect_inward_is_refused(host: Host) -> None:
    host.answers["/from"] = plain(b"", 302, Location="http://10.0.0.1/admin")
    refused(lambda: client().fetch(Call(host.url("/from"))), Invalid, "address_refused")


def test_a_redirect_to_another_scheme_is_refused(host: Host) -> None:
    host.answers["/from"] = plain(b"", 302, Location="file:///etc/passwd")
    refused(lambda: client().fetch(Call(host.url("/from"))), Invalid, "bad_address")


def test_redirects_without_end_are_bounded(host: Host) -> None:
    host.answers["/loop"] = plain(b"", 307, Location="/loop")
    error = refused(lambda: client().fetch(Call(host.url("/loop"))), Invalid, "bad_redirect")
    assert "GOPS_OUTBOUND_REDIRECTS" in str(error.expected)
    assert len(host.asked) == 3


def test_credentials_do_not_follow_to_another_origin(host: Host) -> None:
    host.answers["/from"] = plain(b"", 302, Location=host.url("/to", "other.example"))
    host.answers["/to"] = plain(b"")
    outbound = client(resolve=lambda name, port: ["127.0.0.1"])
    outbound.fetch(Call(host.url("/from"), headers={"Authorization": "Bearer s", "Accept": "application/json"}))
    assert "Authorization" in host.asked[0][1]
    assert "Authorization" not in host.asked[1][1]
    assert host.asked[1][1]["Accept"] == "application/json"


def test_a_post_is_not_repeated_elsewhere(host: Host) -> None:
    host.answers["/from"] = plain(b"", 307, Location="/to")
    assert client().fetch(Call(host.url("/from"), "POST", body=b"x")).status == 307


# bounds


def test_an_answer_that_states_more_than_the_bound_is_not_read(host: Host) -> None:
    host.answers["/"] = plain(b"x" * 10, Content_Length="100001")
    error = refused(lambda: client().fetch(Call(host.url("/"))), TooLarge, "answer_too_large")
    assert "GOPS_OUTBOUND_BYTES" in str(error.expected)


def test_a_body_that_never_ends_is_cut_at_the_bound(host: Host) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(b"x" * 10_000)

    host.answers["/"] = endless
    refused(lambda: client().fetch(Call(host.url("/"))), TooLarge, "answer_too_large")


def test_a_gzip_bomb_is_cut_before_it_unfolds(host: Host) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < BOUNDS.size
    host.answers["/"] = plain(bomb, Content_Encoding="gzip")
    refused(lambda: client().fetch(Call(host.url("/"))), TooLarge, "answer_too_large")


def test_gzip_of_several_members_is_read(host: Host) -> None:
    host.answers["/"] = plain(gzip.compress(b"one ") + gzip.compress(b"two"), Content_Encoding="gzip")
    assert client().fetch(Call(host.url("/"))).body == b"one two"


@pytest.mark.parametrize(
    ("body", "coding"),
    [(gzip.compress(b"cut short", mtime=0)[:-9], "gzip"), (b"plain", "gzip"), (b"\x00", "br")],
)
def test_a_body_that_is_not_what_it_says_is_broken(host: Host, body: bytes, coding: str) -> None:
    host.answers["/"] = plain(body, Content_Encoding=coding)
    refused(lambda: client().fetch(Call(host.url("/"))), Unavailable, "answer_broken")


def test_a_body_shorter_than_stated_is_broken(host: Host) -> None:
    host.answers["/"] = plain(b"abc", Content_Length="10")
    refused(lambda: client().fetch(Call(host.url("/"))), Unavailable, "answer_broken")


def test_contradictory_lengths_are_broken(host: Host) -> None:
    host.answers["/"] = lambda request: request.wfile.write(
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 9\r\n\r\nabc"
    )
    refused(lambda: client().fetch(Call(host.url("/"))), Unavailable, "answer_broken")


def test_silence_ends_at_the_read_time_out(host: Host) -> None:
    host.answers["/"] = lambda request: time.sleep(1)
    refused(lambda: client(replace(BOUNDS, read=0.2)).fetch(Call(host.url("/"))), Unavailable, "host_timeout")


@pytest.mark.parametrize("where", ["headers", "body", "chunks"])
def test_an_answer_one_byte_at_a_time_ends_at_the_total_time_out(host: Host, where: str) -> None:
    def trickle(request: BaseHTTPRequestHandler) -> None:
        start = {"headers": b"HTTP/1.1 200 OK\r\nX: ", "body": b"HTTP/1.1 200 OK\r\n\r\n"}
        request.wfile.write(start.get(where, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
        while True:
            request.wfile.write(b"0")
            time.sleep(0.05)

    host.answers["/"] = trickle
    began = time.monotonic()
    error = refused(lambda: client(replace(BOUNDS, total=0.5)).fetch(Call(host.url("/"))), Unavailable, "host_timeout")
    assert time.monotonic() - began < 5  # the host would go on for ever
    assert "GOPS_OUTBOUND_TOTAL_SECONDS" in error.message


def test_a_closed_port_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        refused(lambda: client().fetch(Call(url)), Unavailable, "host_unreachable")


def test_what_speaks_no_http_is_broken(host: Host) -> None:
    host.answers["/"] = lambda request: request.wfile.write(b"SSH-2.0-x\r\n")
    refused(lambda: client().fetch(Call(host.url("/"))), Unavailable, "answer_broken")


def test_a_host_without_a_trusted_certificate_is_refused(host: Host) -> None:
    url = host.url("/").replace("http:", "https:")
    refused(lambda: client().fetch(Call(url)), Unavailable, "host_untrusted")


@pytest.mark.parametrize(("name", "code"), [("data.example", None), ("other.example", "host_untrusted")])
def test_the_certificate_must_name_the_host_and_not_its_address(tmp_path: Path, name: str, code: str | None) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    options = [
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=x",
    ]
    files = ["-addext", "subjectAltName=DNS:data.example", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", *options, *files], check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    host = Host(server)
    host.answers["/"] = plain(b"private")
    trusting = ssl.create_default_context(cafile=str(certificate))
    outbound = client(resolve=lambda name, port: ["127.0.0.1"], tls=trusting)
    call = Call(host.url("/", name).replace("http:", "https:"))
    try:
        if code is None:
            assert outbound.fetch(call).body == b"private"
        else:
            refused(lambda: outbound.fetch(call), Unavailable, code)
    finally:
        host.close()


# masking

KEY = "abc/DEF+gh=="


@pytest.mark.parametrize(
    "text",
    [
        "http://h/x?serviceKey=abc%2FDEF%2Bgh%3D%3D&a=1", "http://h/x?a=1&ServiceKey=abc/DEF+gh==",
        "http://h:8088/abc%2FDEF%2Bgh%3D%3D/json/Svc/1/5", "http://h/x?x=abc%252FDEF%252Bgh%253D%253D",
        "http://h/x?x=abc%2fDEF%2bgh%3d%3d", "error: key abc/DEF+gh== is not registered",
    ],
)  # fmt: skip
def test_a_key_is_masked_however_it_is_spelt(text: str) -> None:
    for known in (KEY, "abc%2FDEF%2Bgh%3D%3D"):
        masked = mask(text, (known,))
        assert "***" in masked
        assert "DEF" not in masked


def test_parameters_that_are_secret_by_name_are_masked_without_being_told() -> None:
    masked = mask("http://h/x?KEY=one&serviceKey=two&apikey=three&stationName=four")
    assert masked == "http://h/x?KEY=***&serviceKey=***&apikey=***&stationName=four"


def test_neither_the_answer_nor_the_call_nor_an_error_shows_a_key(host: Host) -> None:
    host.answers["/x"] = plain(b"", 302, Location="file:///x?serviceKey=hidden-key")
    host.answers["/y"] = plain(b"ok")
    call = Call(host.url("/x?serviceKey=hidden-key"), secrets=("hidden-key",))
    assert "hidden" not in repr(call)
    error = refused(lambda: client().fetch(call), Invalid, "bad_address")
    assert "hidden" not in repr((error.message, error.found, error.expected))
    answer = client().fetch(Call(host.url("/y?serviceKey=hidden-key"), secrets=("hidden-key",)))
    assert "hidden" not in repr(answer)
