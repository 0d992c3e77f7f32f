"""``gops doctor``: looks a deployment over and says what would go wrong, why, and how to mend it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gops import admin
from gops.cli.store import AS_JSON
from gops.clock import SystemClock
from gops.errors import Unavailable
from gops.settings import load

if TYPE_CHECKING:
    from gops.doctor import Finding

WORDS = {"problem": ("문제", "problem"), "warning": ("주의", "warning"), "note": ("참고", "note")}


@click.command()
@click.option(
    "--mosquitto-conf",
    "mosquitto",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Mosquitto's configuration (repeat), where it is not the usual one of this machine.",
)
@click.option("--language", type=click.Choice(["ko", "en"]), help="Default: GOPS_LANGUAGE.")
@AS_JSON
def doctor(mosquitto: tuple[Path, ...], language: str | None, as_json: bool) -> None:
    """Look this deployment over. It changes nothing. Exit status 1: there is a problem."""
    from gops.doctor import Patient, examine

    chosen = load()

    def status() -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = admin.call(chosen.admin_socket, "status")
        except Unavailable:
            return None
        return found

    found = examine(Patient(chosen, SystemClock(), status, mosquitto))
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=2))
    else:
        click.echo(_told(found, language or chosen.language))
    sys.exit(1 if any(one.severity == "problem" for one in found) else 0)


def _told(found: list[Finding], language: str) -> str:
    if not found:
        return "이상이 없습니다." if language == "ko" else "Nothing was found."
    return "\n\n".join(
        f"[{WORDS[one.severity][language != 'ko']}] {one.what.as_of(language)}\n"
        f"  {one.why.as_of(language)}\n  → {one.mend.as_of(language)}"
        for one in found
    )
