"""Why a run of a feed ends before it is through."""

from __future__ import annotations

from gops.ingest.feeds.answers import TRANSIENT, Failure, Trouble


class FeedTrouble(Exception):
    """``code`` is the portal's, or a word of GOPS. ``rests_until`` (microseconds) is set where trying earlier is vain;
    ``after`` so many seconds it may be tried again, as the portal says.

    Of a ``passing`` trouble with one query, the next query may know nothing.
    """

    def __init__(
        self, code: str, note: str, *, passing: bool = False, rests_until: int | None = None, after: float = 0.0
    ) -> None:
        super().__init__(code, note)
        self.after = after
        self.code = code
        self.note = note
        self.passing = passing
        self.rests_until = rests_until

    @classmethod
    def of(cls, failure: Failure) -> FeedTrouble:
        return cls(failure.code, failure.note, passing=is_passing(failure.trouble))


class Interrupted(Exception):
    """GOPS stops; the run is neither a success nor a failure."""


def is_passing(trouble: Trouble) -> bool:
    return trouble in TRANSIENT
