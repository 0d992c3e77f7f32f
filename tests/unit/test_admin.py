"""The admin socket."""

from __future__ import annotations

import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gops import admin
from gops.errors import BadSetting, Conflict, GopsError, Unavailable


def _count(arguments: dict[str, Any], progress: admin.Progress) -> int:
    for step in range(arguments["to"]):
        progress(step)
    return int(arguments["to"])


def _refuse(_arguments: dict[str, Any], _progress: admin.Progress) -> None:
    raise Conflict("that contradicts what stands", code="taken")


def _break(_arguments: dict[str, Any], _progress: admin.Progress) -> None:
    raise RuntimeError("a detail that stays in the log")


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    server = admin.AdminServer(tmp_path / "admin.sock", {"count": _count, "refuse": _refuse, "break": _break})
    yield tmp_path / "admin.sock"
    server.close()


def test_a_command_answers_with_its_progress_and_result(path: Path) -> None:
    steps: list[int] = []
    assert admin.call(path, "count", steps.append, to=3) == 3
    assert steps == [0, 1, 2]


def test_only_the_owner_may_open_the_socket(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_error_of_the_tree_comes_back_with_its_code(path: Path) -> None:
    with pytest.raises(GopsError) as caught:
        admin.call(path, "refuse")
    assert (caught.value.code, caught.value.message) == ("taken", "that contradicts what stands")


def test_an_unexpected_error_shows_no_detail(path: Path) -> None:
    with pytest.raises(GopsError) as caught:
        admin.call(path, "break")
    assert caught.value.code == "internal"
    assert "detail that stays" not in caught.value.message


def test_an_unknown_command_is_refused(path: Path) -> None:
    with pytest.raises(GopsError, match="no command 'fly'"):
        admin.call(path, "fly")


def test_malformed_lines_do_not_stop_the_server(path: Path) -> None:
    for line in (b"\n", b"{\n", b"[]\n", b"\xff\xff\n", b""):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(line)
    assert admin.call(path, "count", to=1) == 1


def test_nobody_there_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="is `gops run` running"):
        admin.call(tmp_path / "admin.sock", "count")
    assert not admin.is_served(tmp_path / "admin.sock")


def test_a_dead_servers_file_is_taken_over(tmp_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "admin.sock"))
    dead.close()
    server = admin.AdminServer(tmp_path / "admin.sock", {"count": _count})
    assert admin.call(tmp_path / "admin.sock", "count", to=2) == 2
    server.close()
    assert not (tmp_path / "admin.sock").exists()


def test_a_path_too_long_for_a_socket_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(BadSetting) as caught:
        admin.AdminServer(tmp_path / ("x" * 120) / "admin.sock", {})
    assert caught.value.field == "GOPS_DATA"
