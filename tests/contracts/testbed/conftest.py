"""The fixtures of the testbed's own tests."""

from tests.unit.testbed.conftest import either_city

__all__ = ["either_city"]
