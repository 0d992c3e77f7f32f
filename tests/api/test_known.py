"""A 304 ahead of Flask: what it spares, that it says the same, and that nothing is known to who may not see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from gops.api.known import KnownAnswers
from gops.api.limits import LIMITER
from tests.api.conftest import World, problem

OWN = {"X-Request-ID", "RateLimit"}
OUTSIDE = {"REMOTE_ADDR": "203.0.113.9"}


class Asked:
    """The application of a world behind answers that are known; ``whole`` requests went the whole way."""

    def __init__(self, world: World) -> None:
        self.whole = 0
        inner = world.app.wsgi_app

        def counted(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            self.whole += 1
            return inner(environ, start_response)

        world.app.extensions[LIMITER].reset()
        self.world, self._client = world, Client(KnownAnswers(world.app, counted))

    def get(self, path: str, **headers: str) -> TestResponse:
        return self._client.get(f"/api/v1{path}", headers=headers, environ_overrides=OUTSIDE, buffered=True)

    def known(self, path: str, times: int = 3) -> list[TestResponse]:
        """Asked so often with the ETag of the answer."""
        etag = self.get(path).headers["ETag"]
        return [self.get(path, **{"If-None-Match": etag}) for _ in range(times)]


@pytest.fixture
def asked(world: World) -> Asked:
    return Asked(world)


@pytest.fixture
def path(world: World) -> str:
    stream = world.stream()
    world.write(stream, [1, 2])
    return f"/datastreams/{stream.id}/observations"


def test_the_second_304_spares_flask_and_says_the_same(asked: Asked, path: str) -> None:
    first, *later = asked.known(path)
    assert asked.whole == 2
    for one in later:
        assert (one.status, one.data) == (first.status, b"")
        assert {name for name, _ in one.headers} == {name for name, _ in first.headers}
        told, before = dict(one.headers), dict(first.headers)
        assert {name: told[name] for name in told if name not in OWN} == {
            name: before[name] for name in before if name not in OWN
        }


def test_it_is_counted_and_has_an_id_of_its_own(asked: Asked, path: str) -> None:
    answers = asked.known(path)
    left = [int(one.headers["RateLimit"].split("r=")[1].split(";")[0]) for one in answers]
    assert left == [left[0], left[0] - 1, left[0] - 2]
    assert len({one.headers["X-Request-ID"] for one in answers}) == 3
    own = {"X-Request-ID": "harmless-1", "If-None-Match": answers[0].headers["ETag"]}
    assert asked.get(path, **own).headers["X-Request-ID"] == "harmless-1"
    assert asked.world.services.usage.quotas.take(asked.world.publisher, None).used == 1
    text = asked.world.services.metrics.text().decode()
    assert 'route="/api/v1/datastreams/<id:datastream_id>/observations",status="304"' in text.replace(
        'method="GET",', ""
    )


def test_one_request_too_many_is_refused_here_too(world_of: Callable[..., World], world: World, path: str) -> None:
    few = replace(world.services.settings, limit_address_minute=4)
    asked = Asked(world_of(few, world.app))
    assert [one.status_code for one in asked.known(path)] == [304, 304, 304]
    etag = asked.get(path)
    problem(etag, 429, "too_many_requests")


@pytest.mark.parametrize("change", ["reading", "name", "private", "key", "language"])
def test_what_may_change_the_answer_goes_the_whole_way(asked: Asked, path: str, change: str) -> None:
    etag = asked.known(path)[0].headers["ETag"]
    world, stream, headers = asked.world, int(path.split("/")[2]), {"If-None-Match": etag}
    whole = asked.whole
    if change == "reading":
        world.write(world.services.datastreams.get(world.publisher, stream), [3])
    elif change == "name":
        world.services.datastreams.edit(world.publisher, stream, name="other")
    elif change == "private":
        world.services.datastreams.publish(world.publisher, stream, False)
    elif change == "key":
        headers["Authorization"] = f"Bearer {world.keys['viewer']}"
    else:
        headers["Accept-Language"] = "en"
    status = {"private": 404, "key": 304, "language": 304}.get(change, 200)
    assert asked.get(path, **headers).status_code == status
    assert asked.whole == whole + 1


def test_what_a_key_sees_is_not_kept_for_others(asked: Asked) -> None:
    stream = asked.world.stream(public=False)
    path, key = f"/datastreams/{stream.id}/observations", asked.world.keys["publisher"]
    etag = asked.get(path, Authorization=f"Bearer {key}").headers["ETag"]
    for query in ("", f"?%6bey={key}"):
        for _ in range(2):
            asked.get(path + query, **{"If-None-Match": etag, **({} if query else {"Authorization": f"Bearer {key}"})})
    problem(asked.get(path, **{"If-None-Match": etag}), 404, "not_found")
