"""The life of a data folder: a random name that ends when the folder is restored from a backup.

Versions of readings go back with a restore and would come again for other readings; with the name of the life beside
them no ETag does. It is in no backup, so a restored folder gets a new one.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from gops.errors import Unavailable

LIFE = "life"
_NAME = re.compile(r"[0-9a-f]{32}", re.ASCII)


def life_of(data: Path) -> str:
    """The name in ``data/life``, which is made by whoever asks first. Raises ``Unavailable``."""
    path = data / LIFE
    if not path.exists():
        mine = data / f".{LIFE}.{secrets.token_hex(4)}"
        with os.fdopen(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(16))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # whoever comes second keeps the first one's
            os.link(mine, path)
        mine.unlink()
    name = path.read_text(encoding="ascii", errors="replace").strip()
    if not _NAME.fullmatch(name):
        raise Unavailable(
            f"{path} is damaged", found=name[:40], expected="32 hexadecimal digits; remove it for a new one"
        )
    return name
