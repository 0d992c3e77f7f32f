"""What a synchronisation did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SyncReport:
    """``without`` are user names whose secret the broker can't be told any more: they need a new secret.

    ``failed`` are the broker's own words about what it did not do.
    """

    way: str
    logins: int
    added: int = 0
    changed: int = 0
    removed: int = 0
    without: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()

    @property
    def did_anything(self) -> bool:
        return bool(self.added or self.changed or self.removed)
