"""Deleting files that no record refers to any more.

A file is kept first and referred to afterwards, in the unit that makes a record complete; so a file counts as left
behind only when nobody has kept it for ``GRACE``. Whoever refers to files gives ``compose`` a function that names them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from gops import logs
from gops.clock import DAY, Clock
from gops.files.port import Files

GRACE = DAY  # longer than any file is written
References = Callable[[], Iterable[str]]
log = logs.get(__name__)


def collect(files: Files, references: Sequence[References], clock: Clock) -> int:
    """Delete what is left behind, drafts too; how many files. Do not run it without every user's references."""
    before = clock.micros() - GRACE
    drafts = files.discard_older_than(before)
    left = {file.sha256 for file in files.older_than(before)}  # first these: what is referred to later is kept again
    for named in references:
        left.difference_update(named())
    deleted = sum(files.delete(sha256, before) for sha256 in sorted(left))  # and not what was kept again by now
    if drafts or deleted:
        log.info("files_collected", files=deleted, drafts=drafts)
    return deleted
