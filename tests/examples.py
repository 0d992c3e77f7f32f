"""How many examples the property tests try: all of them in CI, a third on a desk, where the tests are to end soon."""

from __future__ import annotations

import os

from hypothesis import settings

IN_CI = bool(os.environ.get("CI"))
DEFAULT = 100  # hypothesis' own


def examples(number: int) -> int:
    return number if IN_CI else max(5, number // 3)


settings.register_profile("gops", max_examples=examples(DEFAULT))
settings.load_profile("gops")
