"""docs/api.md is true: every route stands there, every sample of a GET answers, every setting named exists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gops.settings import DECLARED
from tests.api.conftest import FROZEN, World

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
TEXT = PAGE.read_text()
MARK = "<!-- routes -->"


def rows() -> list[str]:
    found = []
    for path, item in json.loads(FROZEN.read_text())["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict):
                who = "key" if operation["security"] and {} not in operation["security"] else "all"
                address = path.removeprefix("/api/v1") or "/"
                found.append(f"| `{method.upper()} {address}` | {who} | {operation['summary']} |")
    return found


def test_every_route_stands_in_the_documentation(request: pytest.FixtureRequest) -> None:
    """`make openapi` writes the table anew."""
    head, table = TEXT.split(MARK)
    lines = [*table.strip().splitlines()[:2], *rows()]
    if request.config.getoption("--rewrite-openapi", default=False):
        PAGE.write_text(head + MARK + "\n" + "\n".join(lines) + "\n")
    assert PAGE.read_text().split(MARK)[1].strip().splitlines() == lines


@pytest.mark.parametrize("address", re.findall(r'curl -s "\$GOPS(/[^"]+)"(?! --json)', TEXT))
def test_every_sample_of_a_get_answers(world: World, address: str) -> None:
    stream = world.stream(observed_property="pm10")
    world.write(stream, [1, 2])
    answer = world.get(address.replace("/datastreams/1/", f"/datastreams/{stream.id}/"))
    assert answer.status_code == 200, answer.text


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"GOPS_[A-Z_]+", TEXT))
    assert named <= {setting.env_name for setting in DECLARED}
    assert len(named) >= 4
