"""Requests made up from the OpenAPI document by schemathesis, right ones and wrong ones: no answer breaks a promise.

All of its checks but one: it takes every request that a schema cannot find fault with for a good one, while ranges of
time, filters or ids of records are judged by more than a schema says (422, 413).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from gops.api.app import openapi_document
from tests.api.conftest import World
from tests.proof import needed

EXAMPLES = int(os.environ.get("GOPS_TEST_EXAMPLES", "1"))  # of each kind, for each operation
NOT_CHECKED = {"positive_data_acceptance"}
ONCE_A_DAY = {"/api/v1/signup"}  # it makes a person and sends a letter
REFUSED = [400, 401, 403, 404, 405, 406, 409, 413, 414, 415, 422]  # what a wrong request may get
PARTS = 3  # so that processes share the work
WITHOUT_LIMITS = {"limit_address_minute": 0, "limit_key_minute": 0, "quota_address_day": 0, "quota_member_day": 0}
MANY_STREAMS = {"http_threads": 10_000}  # it does not close what it does not read to the end


def operations(world: World, schemathesis: Any) -> list[Any]:
    wrong = {"negative_data_rejection": {"expected-statuses": REFUSED}}
    config = schemathesis.Config.from_dict({"checks": wrong})
    schema = schemathesis.openapi.from_dict(json.loads(openapi_document(world.app)), config=config)
    schema.app = world.app
    found = [one.ok() for one in schema.get_all_operations()]
    return [one for one in found if one.path not in ONCE_A_DAY]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_no_answer_breaks_what_the_document_promises(world_with: Callable[..., World], mode: str, part: int) -> None:
    schemathesis = needed("schemathesis")
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis.errors import Unsatisfiable
    from schemathesis.checks import CHECKS, load_all_checks

    world = world_with(**WITHOUT_LIMITS, **MANY_STREAMS)
    load_all_checks()
    checks = [CHECKS.get_one(name) for name in CHECKS.get_all_names() if name not in NOT_CHECKED]
    assert len(checks) > 10
    world.write(world.stream(), [1, 2, 3])
    headers = {"Authorization": f"Bearer {world.keys['publisher']}", "Accept-Encoding": "identity"}
    few = settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    asked, wrong = 0, []
    for operation in operations(world, schemathesis)[part::PARTS]:

        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            try:
                case.call_and_validate(checks=checks, headers=headers)
            except BaseExceptionGroup as group:
                wrong.extend(f"{case.as_curl_command()[:2000]}\n{one}" for one in group.exceptions)

        made = operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode))
        try:
            few(given(case=made)(ask))()
        except Unsatisfiable:
            assert mode == "negative", operation.label  # nothing of it can be wrong
    assert not wrong, "\n\n".join(wrong)
    assert asked > 100 // PARTS
