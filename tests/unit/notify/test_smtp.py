"""Letters to a mail server: over TLS or not at all where TLS is asked, refused for good or for now."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gops.clock import FixedClock
from gops.errors import BadSetting, GopsError, Invalid, Unavailable
from gops.notify.channels import letters
from gops.notify.outbox import MailOutbox
from gops.notify.smtp import Smtp
from gops.settings import Settings, load, shown
from tests.smtp import MailServer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 127.0.0.1, with its key, by nobody but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + dt.timedelta(1)
    )
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = tmp_path_factory.mktemp("mail") / "both.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *form)
        + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


def sent(settings: Settings, clock: FixedClock, to: str = "kim@example.kr") -> GopsError | None:
    try:
        Smtp(settings, clock).put(to, "제안이 왔습니다", "안녕하세요\n.\nHello.\n")
    except GopsError as error:
        return error
    return None


def test_a_letter_arrives_as_it_was_written(server: MailServer, clock: FixedClock, tmp_path: Path) -> None:
    assert sent(server.settings(tmp_path), clock) is None
    (letter,) = server.letters
    assert (letter["From"], letter["To"], letter["Subject"]) == ("gops@city.kr", "kim@example.kr", "제안이 왔습니다")
    assert letter.get_content().replace("\r\n", "\n") == "안녕하세요\n.\nHello.\n"  # type: ignore[attr-defined]
    assert letter["Auto-Submitted"] == "auto-generated"
    assert "AUTH" not in server.said


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_over_tls_it_logs_in(clock: FixedClock, tmp_path: Path, certificate: Path, security: str) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with MailServer(tls, wrapped=security == "tls") as server:
        server.login = ("gops", "open sesame")
        chosen = {"security": security, "user": "gops", "password": "open sesame"}
        assert sent(server.settings(tmp_path, ca=str(certificate), **chosen), clock) is None
        assert len(server.letters) == 1
        untrusted = sent(server.settings(tmp_path, **chosen), clock)
        wrong = sent(server.settings(tmp_path, ca=str(certificate), **chosen | {"password": "guess"}), clock)
    assert (untrusted and untrusted.code, wrong and wrong.code) == ("host_untrusted", "mail_deferred")
    assert "guess" not in str(wrong)
    assert len(server.letters) == 1


def test_without_starttls_nothing_is_said_in_the_open(server: MailServer, clock: FixedClock, tmp_path: Path) -> None:
    chosen = server.settings(tmp_path, security="starttls", user="gops", password="secret")
    error = sent(chosen, clock)
    assert isinstance(error, Unavailable)
    assert (error.code, server.letters) == ("host_untrusted", [])
    assert not {"AUTH", "MAIL"} & set(server.said)


@pytest.mark.parametrize(("answer", "kind", "code"), [
    (b"550 nobody here", Invalid, "mail_refused"), (b"450 later", Unavailable, "mail_deferred"),
])  # fmt: skip
def test_an_address_is_refused_for_good_or_for_now(
    server: MailServer, clock: FixedClock, tmp_path: Path, answer: bytes, kind: type[GopsError], code: str
) -> None:
    server.recipients["gone@example.kr"] = answer
    error = sent(server.settings(tmp_path), clock, "gone@example.kr")
    assert (type(error), error and error.code) == (kind, code)


def test_a_silent_server_is_not_waited_for(server: MailServer, clock: FixedClock, tmp_path: Path) -> None:
    server.silent = True
    error = sent(server.settings(tmp_path, seconds="1"), clock)
    assert error is not None
    assert error.code == "host_timeout"


def test_a_server_that_is_not_there_is_tried_later(clock: FixedClock, tmp_path: Path) -> None:
    with MailServer() as gone:
        chosen = gone.settings(tmp_path)
    error = sent(chosen, clock)
    assert isinstance(error, Unavailable)
    assert error.code == "host_unreachable"


def test_nobody_logs_in_over_plain_text(clock: FixedClock, tmp_path: Path) -> None:
    with pytest.raises(BadSetting) as refused:
        Smtp(load({"GOPS_SMTP_HOST": "mail", "GOPS_SMTP_SECURITY": "none", "GOPS_SMTP_USER": "gops"}), clock)
    assert refused.value.field == "GOPS_SMTP_SECURITY"
    with pytest.raises(BadSetting):
        Smtp(load({"GOPS_SMTP_HOST": "mail", "GOPS_SMTP_CA": str(tmp_path / "nothing.pem")}), clock)


def test_without_a_server_letters_are_files(clock: FixedClock, settings: Settings) -> None:
    assert isinstance(letters(settings, clock), MailOutbox)


def test_the_password_is_not_printed() -> None:
    from gops.settings import DECLARED

    row = next(row for row in DECLARED if row.name == "smtp_password")
    assert (shown(row, "open sesame"), row.is_address) == ("***", True)
