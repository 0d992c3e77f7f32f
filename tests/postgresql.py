"""A private PostgreSQL server for tests: its own folder, a Unix socket in it, no TCP port."""

from __future__ import annotations

import itertools
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, inspect, make_url

SUPERUSER = "postgres"
WAIT_SECONDS = "60"


class NotInstalled(Exception):
    """There is no server to start; the message says where it was looked for."""


def binaries() -> Path:
    """The folder of the newest installed server's programs (15 where there are several)."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    preferred = [path for path in found if path.parts[-3] == "15"]
    if not found:
        on_path = shutil.which("initdb")
        if on_path is None:
            raise NotInstalled("PostgreSQL is not installed: no /usr/lib/postgresql/*/bin/initdb, no initdb on PATH")
        return Path(on_path).parent
    return (preferred or found)[-1].parent


@dataclass
class Cluster:
    """``create_database`` gives the address of a new, empty database."""

    url: URL
    folder: Path | None = None
    _count: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _order: dict[str, list[str]] = field(default_factory=dict)  # address -> its tables, as they can be emptied

    @classmethod
    def start(cls, address: str = "") -> Cluster:
        if address:
            return cls(make_url(address))
        programs = binaries()
        folder = Path(tempfile.mkdtemp(prefix="gops-pg-"))
        if os.geteuid() == 0:
            shutil.chown(folder, SUPERUSER, SUPERUSER)
        cluster = cls(
            URL.create("postgresql+psycopg", SUPERUSER, database="postgres", query={"host": str(folder)}), folder
        )
        _run(programs / "initdb", "-D", folder / "data", "-U", SUPERUSER, "--auth=trust", "-E", "UTF8", "--no-sync",
             "--locale=C.UTF-8")  # fmt: skip
        cluster.resume()
        return cluster

    def resume(self) -> None:
        """Start the server; after ``halt`` again."""
        assert self.folder is not None
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c max_connections=200 -c fsync=off"
        _run(binaries() / "pg_ctl", "-D", self.folder / "data", "-w", "-t", WAIT_SECONDS, "-l", self.folder / "log",
             "-o", options, "start")  # fmt: skip

    def halt(self) -> None:
        """End the server as a crash would, every connection with it."""
        assert self.folder is not None, "a server of others is not ours to stop"
        _run(binaries() / "pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")

    def stop(self) -> None:
        """End it for good; a server of others is let be."""
        if self.folder is not None:
            self.halt()
            shutil.rmtree(self.folder, ignore_errors=True)

    def create_database(self, template: str = "") -> str:
        name = f"gops_test_{os.getpid()}_{next(self._count)}"
        source = make_url(template).database if template else "template1"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        return self.url.set(database=name).render_as_string(hide_password=False)

    def empty(self, address: str) -> None:
        """Remove every row but the migrations' own, begin ids anew, and end what is still connected.

        Row by row, and only where there are some: TRUNCATE makes the files of ninety tables and their indexes anew.
        """
        engine = create_engine(address, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            run = connection.exec_driver_sql
            run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid()")  # fmt: skip
            names = self._tables_last_first(address, connection)
            filled = run(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in names))
            has_rows = set(filled.scalars())
            advanced = run("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value > 0")
            statements = [f'DELETE FROM "{name}"' for name in names if name in has_rows]
            statements += [f'ALTER SEQUENCE "{name}" RESTART' for name in advanced.scalars()]
            if statements:
                run("; ".join(statements))
        engine.dispose()

    def _tables_last_first(self, address: str, connection: Connection) -> list[str]:
        """Each before those that it refers to; looked up anew when a test has added a table."""
        there = set(inspect(connection).get_table_names()) - {"alembic_version"}
        if there != set(self._order.get(address, [])):
            found = inspect(connection).get_sorted_table_and_fkc_names()
            self._order[address] = [name for name, _keys in reversed(found) if name in there]
        return self._order[address]

    def drop_database(self, address: str) -> None:
        self._execute(f'DROP DATABASE "{make_url(address).database}" WITH (FORCE)')

    def version(self) -> str:
        engine = create_engine(self.url)
        with engine.connect() as connection:
            text = str(connection.exec_driver_sql("SHOW server_version").scalar())
        engine.dispose()
        found = re.match(r"\d+", text)
        assert found is not None
        return found[0]

    def _execute(self, statement: str) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


def _run(program: Path, *arguments: object) -> None:
    """PostgreSQL refuses to run as root; then its own user runs it."""
    as_user = []
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(SUPERUSER)
        except KeyError as error:
            raise NotInstalled("tests run as root and there is no user postgres to run the server as") from error
        as_user = ["runuser", "-u", SUPERUSER, "--"]
    done = subprocess.run(
        [*as_user, str(program), *(str(argument) for argument in arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        check=False,
    )
    assert done.returncode == 0, f"{program.name}: {done.stderr}"
