"""Requests made up from the OpenAPI document by schemathesis, right ones and wrong ones: no answer breaks a promise.

All of its checks but one: it takes every request that a schema cannot find fault with for a good one, while ranges of
time, filters or ids of records are judged by more than a schema says (422, 413).
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from gops.api.app import openapi_document
from tests.api.conftest import World
from tests.proof import needed

EXAMPLES = int(os.environ.get("GOPS_TEST_EXAMPLES", "1"))  # of each kind, for each operation
NOT_CHECKED = {"positive_data_acceptance"}
ONCE_A_DAY = {"/api/v1/signup"}  # it makes a person and sends a letter


def operations(world: World, schemathesis: Any) -> list[Any]:
    schema = schemathesis.openapi.from_dict(json.loads(openapi_document(world.app)))
    schema.app = world.app
    found = [one.ok() for one in schema.get_all_operations()]
    return [one for one in found if one.path not in ONCE_A_DAY]


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_no_answer_breaks_what_the_document_promises(world: World, mode: str) -> None:
    schemathesis = needed("schemathesis")
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis.errors import Unsatisfiable
    from schemathesis.checks import CHECKS, load_all_checks

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
    for operation in operations(world, schemathesis):

        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            try:
                case.call_and_validate(checks=checks, headers=headers)
            except BaseExceptionGroup as group:
                wrong.extend(f"{case.operation.label}: {one}" for one in group.exceptions)

        made = operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode))
        try:
            few(given(case=made)(ask))()
        except Unsatisfiable:
            assert mode == "negative", operation.label  # nothing of it can be wrong
    assert wrong == []
    assert asked > 100
