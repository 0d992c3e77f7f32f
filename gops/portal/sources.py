"""The services that the pages read."""

from __future__ import annotations

from typing import Any, Protocol

from gops.portal import live


class Sources(live.Sources, Protocol):
    @property
    def catalogued(self) -> Any: ...

    @property
    def newsfeed(self) -> Any: ...

    @property
    def places(self) -> Any: ...

    @property
    def demands(self) -> Any: ...

    @property
    def questions(self) -> Any: ...

    @property
    def errata(self) -> Any: ...

    @property
    def applications(self) -> Any: ...

    @property
    def review_results(self) -> Any: ...

    @property
    def round_jobs(self) -> Any: ...

    @property
    def clusters(self) -> Any: ...

    @property
    def slots(self) -> Any: ...

    @property
    def organisations(self) -> Any: ...
