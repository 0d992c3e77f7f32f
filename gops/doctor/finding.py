"""What a check looks at, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gops.clock import Clock
from gops.settings import Settings

Severity = Literal["problem", "warning", "note"]


@dataclass(frozen=True)
class Text:
    ko: str
    en: str

    def as_of(self, language: str) -> str:
        return self.ko if language == "ko" else self.en


@dataclass(frozen=True)
class Finding:
    """``problem``: something fails or can be lost; ``warning``: it may; ``note``: could not be looked at, or good to
    know."""

    check: str
    severity: Severity
    what: Text
    why: Text
    mend: Text


@dataclass(frozen=True)
class Patient:
    """A deployment. ``status`` asks the running server (None: there is none); ``mosquitto`` are its configurations."""

    settings: Settings
    clock: Clock
    status: Callable[[], Mapping[str, Any] | None]
    mosquitto: tuple[Path, ...] = ()
