"""Structured events on standard error (structlog): one JSON line each, or readable ones on a terminal.

What is bound with ``structlog.contextvars.bind_contextvars(request_id=...)`` appears in every event of that request
or message. Secrets are masked before anything is written: values whose name says that they are secret, at any depth,
and whatever looks like an API key or a password in an address, also in a traceback.
"""

from __future__ import annotations

import logging
import re
import secrets
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_WORDS = ("secret", "password", "token", "authorization", "api_key", "servicekey")
MASK = "***"
_API_KEY = re.compile(r"(gops_[A-Za-z0-9]{8}_)[A-Za-z0-9_-]{16,}")
_PASSWORD = re.compile(r"(://[^\s:/@]*:)[^\s/@]+@")


def mask_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the value of any name that contains a word of ``SECRET_WORDS`` becomes ``***``."""
    for name, value in event.items():
        event[name] = _masked(name, value)
    return event


def _masked(name: Any, value: Any) -> Any:
    if isinstance(name, str) and any(word in name.lower() for word in SECRET_WORDS):
        return MASK
    if isinstance(value, dict):
        return {inner: _masked(inner, below) for inner, below in value.items()}
    if isinstance(value, list | tuple):
        return [_masked("", below) for below in value]
    return value


def mask_text(_logger: Any, _method: str, line: Any) -> Any:
    """The last processor: API keys keep their prefix, passwords in addresses go."""
    return _PASSWORD.sub(rf"\1{MASK}@", _API_KEY.sub(rf"\1{MASK}", line))


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
    last: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if as_text:  # plain tracebacks: the richer ones print local variables, secrets among them
        plain = structlog.dev.plain_traceback
        last = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([] if as_text else [structlog.processors.format_exc_info]),
            last,
            mask_text,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for talkative in ("alembic", "apscheduler"):  # they tell of every context they open, of every job they run
        logging.getLogger(talkative).setLevel(logging.WARNING)


def get(name: str) -> Any:
    """The logger of a module: ``log = logs.get(__name__)``."""
    return structlog.get_logger(name)


def new_request_id() -> str:
    """16 hexadecimal digits."""
    return secrets.token_hex(8)
