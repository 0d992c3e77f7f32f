"""So many times an hour for each client."""

from __future__ import annotations

import pytest

from gops.api import allowance
from gops.api.allowance import HourlyAllowance, client_network
from gops.clock import FixedClock
from gops.errors import TooMany


@pytest.fixture
def hourly(clock: FixedClock) -> HourlyAllowance:
    return HourlyAllowance(clock, 2, "GOPS_SIGNUP_PER_HOUR")


def use(hourly: HourlyAllowance, client: str) -> None:
    with hourly.one(client):
        pass


def test_the_share_comes_back_an_hour_after_each_time(hourly: HourlyAllowance, clock: FixedClock) -> None:
    use(hourly, "a")
    clock.move(minutes=20)
    use(hourly, "a")
    with pytest.raises(TooMany) as refused:
        use(hourly, "a")
    assert refused.value.retry_after_s == 2400
    assert "GOPS_SIGNUP_PER_HOUR" in str(refused.value.expected)
    clock.move(minutes=40)
    use(hourly, "a")


def test_each_client_has_a_share_of_its_own(hourly: HourlyAllowance) -> None:
    for client in "aabb":
        use(hourly, client)


def test_what_fails_is_not_counted(hourly: HourlyAllowance) -> None:
    for _ in range(10):
        with pytest.raises(ValueError, match="mistake"), hourly.one("a"):
            raise ValueError("mistake")
    use(hourly, "a")


def test_uses_at_once_do_not_pass_the_bound(hourly: HourlyAllowance) -> None:
    with hourly.one("a"), hourly.one("a"), pytest.raises(TooMany):
        use(hourly, "a")


def test_no_more_clients_are_remembered_than_the_bound(
    hourly: HourlyAllowance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "CLIENTS", 3)
    for client in "aabcd":
        use(hourly, client)
    use(hourly, "a")  # forgotten, and so as new
    assert len(hourly._counted) == 3


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("", "unknown"),
        (None, "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_one_customer_is_one_client(address: str | None, network: str) -> None:
    assert client_network(address) == network
