"""Structured events on standard error (structlog): one JSON line each, or readable ones on a terminal.

What is bound with ``bind(request_id=...)`` appears in every event of that request or message. Values whose name
says that they are secret are masked before anything is written.
"""

from __future__ import annotations

import logging
import secrets
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_WORDS = ("secret", "password", "token", "authorization", "api_key", "servicekey")
MASK = "***"


def mask_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the value of any name that contains a word of ``SECRET_WORDS`` becomes ``***``."""
    for name in event:
        if any(word in name.lower() for word in SECRET_WORDS):
            event[name] = MASK
    return event


def configure(level: str = "INFO", style: str = "auto") -> None:
    """Send every event, also those of the standard ``logging``, to standard error.

    ``style`` is ``json``, ``text``, or ``auto``: text on a terminal and JSON elsewhere.
    """
    as_text = style == "text" or (style == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    last: Any = structlog.dev.ConsoleRenderer(colors=as_text) if as_text else structlog.processors.JSONRenderer()
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([] if as_text else [structlog.processors.format_exc_info]),
            last,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def get(name: str) -> Any:
    """The logger of a module: ``log = logs.get(__name__)``."""
    return structlog.get_logger(name)


def new_request_id() -> str:
    """16 hexadecimal digits."""
    return secrets.token_hex(8)
