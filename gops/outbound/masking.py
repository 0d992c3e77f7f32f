"""Secrets out of addresses and of what others echo."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote, unquote

MASK = "***"
_SECRET_PARAMETER = re.compile(
    r"((?:^|[?&;\s])(?:service_?key|(?:api|auth|access)_?key|(?:access|auth)_?token|token|key|secret|password)=)"
    r"[^&;#\s\"'<>]+",
    re.IGNORECASE,
)


def mask(text: str, secrets: Sequence[str] = ()) -> str:
    """``text`` without the values of secret parameters, and without ``secrets`` in any of their spellings."""
    forms = {form for secret in secrets for form in _spellings(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return _SECRET_PARAMETER.sub(rf"\1{MASK}", text)


def _spellings(secret: str) -> set[str]:
    """As it is, and percent-encoded or decoded up to twice, with capital and small hexadecimal digits."""
    if not secret:
        return set()
    plain = unquote(secret)
    once = {quote(plain, safe=""), quote(plain), quote(plain, safe="/+=")}
    twice = {quote(form, safe="") for form in once}
    encoded = once | twice
    small = {re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), form) for form in encoded}
    return {secret, plain, unquote(plain)} | encoded | small
