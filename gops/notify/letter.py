"""A letter, RFC 5322, as GOPS writes it."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Protocol

SENDER = "gops@localhost"


class Letters(Protocol):
    """Where letters go: a folder, a mail server, or the notices that are sent later."""

    def put(self, to: str, subject: str, text: str) -> None:
        """Raises ``Unavailable`` for what may go later, ``Invalid`` for what never will."""


def written(sender: str, to: str, subject: str, text: str, at: datetime) -> EmailMessage:
    """``ValueError`` for a header of two lines."""
    letter = EmailMessage(policy=SMTP)
    letter["From"] = sender
    letter["To"] = to
    letter["Subject"] = subject
    letter["Date"] = format_datetime(at)
    letter["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or "localhost")
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: programs that answer letters leave this one alone
    letter.set_content(text)
    return letter
