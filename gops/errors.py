"""The error tree. Services raise these; ``api.problems`` has the one table that turns them into HTTP.

::

    GopsError
    +-- Invalid              what was sent is understood and wrong          422
    |   +-- Malformed        it cannot be read at all                       400
    |   +-- TooLarge         it exceeds a bound, and says which             413
    |   +-- UnsupportedType  a media type we do not read                    415
    +-- Unauthenticated      who asks is not known                          401
    +-- Forbidden            who asks may not                               403
    +-- NotFound             there is no such thing, or none for who asks   404
    +-- Gone                 there was one, and it was withdrawn            410
    +-- Conflict             it contradicts what stands                     409
    +-- TooMany              more often than the limit allows               429
    +-- Unsupported          this store or broker cannot do that            501
    +-- Unavailable          a part is down; trying again may help          503
    +-- BadSetting           the configuration is wrong; stops the start

Every error carries ``code``, a stable name that clients may rely on, and where it applies ``field`` (what is
wrong), ``found`` and ``expected``; ``extra`` are members that whoever asked gets beside these. The message is for
people; ``str(error)`` of anything outside this tree is never shown to a client.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class GopsError(Exception):
    """Base of every error that GOPS raises on purpose."""

    code = "internal"
    extra: Mapping[str, Any] | None = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        field: str | None = None,
        found: Any = None,
        expected: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.field = field
        self.found = found
        self.expected = expected


class Invalid(GopsError):
    code = "invalid_value"


class Malformed(Invalid):
    code = "malformed"


class TooLarge(Invalid):
    code = "too_large"


class UnsupportedType(Invalid):
    code = "unsupported_media_type"


class Unauthenticated(GopsError):
    code = "unauthenticated"


class Forbidden(GopsError):
    code = "forbidden"


class NotFound(GopsError):
    code = "not_found"


class Gone(GopsError):
    code = "gone"


class Conflict(GopsError):
    code = "conflict"


class TooMany(GopsError):
    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after_s: int, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after_s = retry_after_s


class Unsupported(GopsError):
    code = "unsupported"


class Unavailable(GopsError):
    code = "unavailable"


class BadSetting(GopsError):
    code = "bad_setting"
