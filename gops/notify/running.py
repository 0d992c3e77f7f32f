"""Notices in a running server: what its jobs do."""

from __future__ import annotations

import threading
from dataclasses import replace

from gops.clock import Clock
from gops.notify.channels import letters
from gops.notify.sending import Sender
from gops.notify.webhook import Webhook
from gops.outbound import Bounds, Outbound
from gops.records.database import Database
from gops.settings import Settings

EVERY_SECONDS = 5.0
WEBHOOK_SECONDS = 10.0  # a receiver takes a message and thinks about it later


def sender(database: Database, clock: Clock, settings: Settings, stopping: threading.Event) -> Sender:
    """Raises ``BadSetting`` where the settings of the mail server are wrong."""
    bounds = Bounds.of(settings)
    outbound = Outbound(replace(bounds, total=min(bounds.total, WEBHOOK_SECONDS)), settings.outbound_allow)
    return Sender(database, clock, settings, letters(settings, clock), Webhook(outbound, clock), stopping)
