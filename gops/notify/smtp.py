"""Letters to a mail server (RFC 5321), which takes them further. It is the operator's own, named by settings."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from gops.clock import Clock
from gops.errors import BadSetting, Invalid, Unavailable
from gops.notify.letter import written
from gops.settings import Settings


class Smtp:
    """A connection for each letter. With ``starttls`` and ``tls`` the server proves its name; there is no falling back
    to plain text, and over plain text nobody logs in."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Raises ``BadSetting`` for a login over plain text and for a file of certificates that cannot be read."""
        self._settings = settings
        self._clock = clock
        if settings.smtp_user and settings.smtp_security == "none":
            raise BadSetting("a password is not sent over plain text", field="GOPS_SMTP_SECURITY", found="none",
                             expected="starttls or tls, or no GOPS_SMTP_USER")  # fmt: skip
        self._tls = _trust(settings)

    def put(self, to: str, subject: str, text: str) -> None:
        """Raises ``Invalid`` (``mail_refused``) for an address that the server will never take, and ``Unavailable``:
        ``host_unreachable``, ``host_timeout``, ``host_untrusted``, ``mail_deferred``."""
        letter = written(self._settings.smtp_from, to, subject, text, self._clock.now())
        with _plainly(self._settings.smtp_host), self._connected() as server:
            server.send_message(letter)

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        chosen = self._settings
        place = (chosen.smtp_host, chosen.smtp_port)
        if chosen.smtp_security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(*place, timeout=chosen.smtp_seconds, context=self._tls)
        else:
            server = smtplib.SMTP(*place, timeout=chosen.smtp_seconds)
        try:
            if chosen.smtp_security == "starttls":
                server.starttls(context=self._tls)
            if chosen.smtp_user:
                server.login(chosen.smtp_user, chosen.smtp_password)
            yield server
        finally:
            _leave(server)


def _trust(settings: Settings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.smtp_ca or None)
    except (OSError, ssl.SSLError) as error:
        raise BadSetting(f"GOPS_SMTP_CA cannot be read: {error}", field="GOPS_SMTP_CA", found=settings.smtp_ca,
                         expected="a file of certificates in PEM") from error  # fmt: skip


def _leave(server: smtplib.SMTP) -> None:
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):  # the letter was taken or refused before; this is only politeness
        server.close()


@contextmanager
def _plainly(host: str) -> Iterator[None]:
    """What the server says becomes an error of GOPS. Its words may repeat addresses, so only its number is kept."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        status = max(code for code, _text in error.recipients.values())
        raise _refused(status) from error
    except smtplib.SMTPAuthenticationError as error:
        raise Unavailable(f"{host} refused the login ({error.smtp_code})", code="mail_deferred",
                          found=error.smtp_code, expected="the login of GOPS_SMTP_USER") from error  # fmt: skip
    except smtplib.SMTPResponseException as error:
        raise Unavailable(f"{host} did not take the letter ({error.smtp_code})", code="mail_deferred",
                          found=error.smtp_code, expected="250") from error  # fmt: skip
    except smtplib.SMTPNotSupportedError as error:
        raise Unavailable(f"{host} lacks what the settings ask: {error}", code="host_untrusted",
                          expected="STARTTLS and AUTH, or another GOPS_SMTP_SECURITY") from error  # fmt: skip
    except ssl.SSLError as error:
        raise Unavailable(f"{host} does not prove its name: {error.reason}", code="host_untrusted",
                          expected="a certificate that GOPS_SMTP_CA or the system trusts") from error  # fmt: skip
    except (smtplib.SMTPException, OSError) as error:
        if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):  # smtplib hides it there
            raise Unavailable(f"{host} did not answer in time", code="host_timeout",
                              expected="an answer within GOPS_SMTP_SECONDS") from error  # fmt: skip
        raise Unavailable(f"{host} cannot be reached: {type(error).__name__}", code="host_unreachable",
                          expected="a mail server at GOPS_SMTP_HOST and GOPS_SMTP_PORT") from error  # fmt: skip


def _refused(status: int) -> Invalid | Unavailable:
    if 500 <= status < 600:
        return Invalid(f"the mail server refuses the address ({status})", code="mail_refused", field="to",
                       found=status, expected="an address that takes letters")  # fmt: skip
    return Unavailable(f"the mail server defers the address ({status})", code="mail_deferred", found=status,
                       expected="250")  # fmt: skip
