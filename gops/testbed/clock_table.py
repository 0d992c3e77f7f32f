"""Every clock of the testbed. Who brings another one adds a line here and a row to ``docs/testbed-calls.md``."""

from __future__ import annotations

from collections.abc import Sequence

from gops.settings import Settings
from gops.testbed.appeals.settling import appeal_clocks
from gops.testbed.call_clocks import call_clocks
from gops.testbed.clocks import TestbedClock
from gops.testbed.documents.forgetting import forgetting_clock
from gops.testbed.offers.running import offer_clocks
from gops.testbed.regulatory.checks import silence_clock
from gops.testbed.regulatory.exemptions import expiry_clock


def clock_table(settings: Settings) -> Sequence[TestbedClock]:
    """In the order in which they act."""
    return (
        *call_clocks(settings), forgetting_clock(settings), silence_clock(settings), expiry_clock(settings),
        *offer_clocks(settings), *appeal_clocks(settings),
    )  # fmt: skip
