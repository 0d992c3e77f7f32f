"""The ``gops`` command. Sub-commands load their modules when they are called, so that ``--help`` is instant."""

from __future__ import annotations

import importlib
import sys

import click

from gops import __version__, logs
from gops.errors import GopsError

COMMANDS = {
    "init": "gops.cli.server:init",
    "run": "gops.cli.server:run",
    "ingest": "gops.cli.separate:ingest",
    "api": "gops.cli.separate:api",
    "feeds": "gops.cli.separate:feeds",
    "status": "gops.cli.server:status",
    "metrics": "gops.cli.server:metrics",
    "settings": "gops.cli.server:show_settings",
    "org": "gops.cli.registry:org",
    "person": "gops.cli.registry:person",
    "key": "gops.cli.registry:key",
    "device": "gops.cli.devices:device",
    "broker": "gops.cli.broker:broker",
    "catalog": "gops.cli.catalog:catalog",
    "dataset": "gops.cli.dataset:dataset",
    "harvest": "gops.cli.harvest:harvest",
    "doctor": "gops.cli.doctor:doctor",
    "datastream": "gops.cli.quality:datastream",
    "feed": "gops.cli.feeds:feed",
    "alert": "gops.cli.alerts:alert",
    "refusals": "gops.cli.data:refusals",
    "replay": "gops.cli.data:replay",
    "import": "gops.cli.importing:import_",
    "store": "gops.cli.copy:store",
    "backup": "gops.cli.backup:backup",
    "restore": "gops.cli.backup:restore",
    "files": "gops.cli.files:files",
    "site": "gops.cli.sites:site",
    "testbed": "gops.cli.testbed:testbed",
    "demo": "gops.cli.demo:demo",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gops")
def cli() -> None:
    """GOPS: open data platform and testbed broker. Settings come from GOPS_* variables (gops settings)."""


def main() -> None:
    """Run a command; an error of the tree is one plain line and exit status 2."""
    logs.configure(level="WARNING", style="text")
    try:
        cli()
    except GopsError as error:
        told = not error.expected or error.expected in error.message
        expected = "" if told else f"; expected {error.expected}"
        click.echo(f"gops: {error.message}{expected}", err=True)
        sys.exit(2)
