"""The docs stay true: what there is stands in them, and what they name is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gops import settings
from gops.cli import cli
from gops.ingest.decoders import DECODERS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")
ALL_TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def commands(group: click.Group, words: tuple[str, ...] = ("gops",)) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield " ".join((*words, name))


@pytest.mark.parametrize("command", sorted(commands(cli)))
def test_every_command_is_documented(command: str) -> None:
    assert f"`{command}" in ALL_TEXT


@pytest.mark.parametrize("codec", sorted(DECODERS))
def test_every_decoder_is_documented(codec: str) -> None:
    assert f"`{codec}`" in (ROOT / "docs" / "ingest.md").read_text(encoding="utf-8")


def test_settings_that_the_docs_name_are_declared() -> None:
    declared = {row.env_name for row in settings.DECLARED}
    named = {name.rstrip("_") for name in re.findall(r"\bGOPS_[A-Z_]+", ALL_TEXT)} - {"GOPS"}
    assert named - declared == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert not missing
