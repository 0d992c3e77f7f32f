"""How the text of a setting becomes its value: what is refused names what was expected."""

from __future__ import annotations

from dataclasses import field as column
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marshmallow import ValidationError, fields, validate

Network = IPv4Network | IPv6Network


class AsPath(fields.Field[Path]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Path:
        return Path(value).expanduser().absolute()


class AsZone(fields.Field[ZoneInfo]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> ZoneInfo:
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a folder of zones
            raise ValidationError("Not an IANA time zone such as Asia/Seoul.") from error


class AsAddress(fields.String):
    """An address of one of ``schemes``, or nothing. It may hold a password; a host may be a name like ``my_broker``."""

    def __init__(self, *schemes: str) -> None:
        super().__init__()
        self._schemes = schemes

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(value)
        if text and not self._holds(text):
            begins = " or ".join(f"{scheme}://" for scheme in self._schemes)
            raise ValidationError(f"Not an address that begins with {begins} and names a host.")
        return text.rstrip("/")

    def _holds(self, text: str) -> bool:
        try:
            parts = urlsplit(text)
            port_is_one = parts.port is None or parts.port > 0  # .port raises for what is no number up to 65535
        except ValueError:
            return False
        blank = any(sign.isspace() or not sign.isprintable() for sign in text)
        return parts.scheme in self._schemes and bool(parts.hostname) and port_is_one and not blank


class AsAddresses(fields.Field[tuple[str, ...]]):
    """Some of these with commas between."""

    def __init__(self, *schemes: str) -> None:
        super().__init__()
        self._one = AsAddress(*schemes)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        return tuple(self._one.deserialize(part.strip()) for part in str(value).split(",") if part.strip())


class AsNetworks(fields.Field[tuple[Network, ...]]):
    """Networks in CIDR notation with commas between."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[Network, ...]:
        try:
            return tuple(ip_network(part.strip()) for part in str(value).split(",") if part.strip())
        except ValueError as error:
            raise ValidationError("Not networks such as 10.1.0.0/16,fd00::/8.") from error


TEXT = fields.String()
FLAG = fields.Boolean()


def choice(*words: str) -> fields.Field[Any]:
    return fields.String(validate=validate.OneOf(words, error="Must be one of: {choices}."))


def whole(low: int, high: int) -> fields.Field[Any]:
    return fields.Integer(validate=validate.Range(low, high))


def shaped(pattern: str, what: str) -> fields.Field[Any]:
    return fields.String(validate=validate.Regexp(rf"(?:{pattern})\Z", error=f"Not {what}."))


def setting(field: fields.Field[Any], default: str, help: str) -> Any:
    """A row of a table of settings; see ``settings.Setting``."""
    return column(metadata={"field": field, "default": default, "help": help})
