"""A request to compute a round, as a document: what a mechanism needs, or the ``inputs`` of a published round.

::

    {"instance": {...}, "seed": {"operator_seed": hex, "nonces": [hex, ...]}, "call": {...},
     "mechanism": {"id": "optimal", "version": 1, "fairness": "none"}}     call may be left out, and ranked is meant
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gops.errors import Invalid, Malformed
from gops.testbed.allocation import choice, roundfile
from gops.testbed.allocation.choice import RANKED, Choice
from gops.testbed.allocation.documents import Document, read_instance
from gops.testbed.allocation.instance import Instance
from gops.testbed.allocation.outcome import Allocation
from gops.testbed.allocation.roundfile import SeedParts

KEYS = {"instance", "seed", "call", "mechanism"}
SHOWN = 80


@dataclass(frozen=True)
class Request:
    instance: Instance
    seed: SeedParts
    call: Document
    mechanism: Choice = RANKED


def read_request(document: Any) -> Request:
    """Raises ``Invalid`` with the place of what is wrong."""
    if isinstance(document, dict) and "inputs" in document:
        document = document["inputs"]  # a round file: computed again from what it publishes
    if not isinstance(document, dict) or not KEYS >= document.keys() >= {"instance", "seed"}:
        found = ", ".join(map(str, document))[:SHOWN] if isinstance(document, dict) else type(document).__name__
        raise Malformed("this is no request for an allocation", field="", found=found,
                        expected="an object of instance and seed, or a round file")  # fmt: skip
    mechanism = choice.read(document["mechanism"]) if "mechanism" in document else RANKED
    call = document.get("call", {})
    if not isinstance(call, dict):
        raise _wrong("call", call, "an object")
    return Request(read_instance(document["instance"]), _seed(document["seed"]), call, mechanism)


def compute(
    request: Request, seconds: float = choice.SECONDS, tell: Callable[[Allocation], None] | None = None
) -> tuple[Allocation, bytes]:
    """The allocation and its round file. ``seconds`` and ``tell`` as in ``choice.allocate``."""
    allocation = choice.allocate(request.mechanism, request.instance, request.seed.seed, seconds, tell)
    return allocation, roundfile.write(request.instance, request.seed, request.mechanism, allocation, request.call)


def _seed(document: Any) -> SeedParts:
    if not isinstance(document, dict) or not isinstance(document.get("nonces"), list):
        raise _wrong("seed", document, "an object of operator_seed and nonces")
    nonces = tuple(_bytes(nonce, f"seed.nonces[{index}]") for index, nonce in enumerate(document["nonces"]))
    return SeedParts(_bytes(document.get("operator_seed"), "seed.operator_seed"), nonces)


def _bytes(value: Any, place: str) -> bytes:
    try:
        return bytes.fromhex(value)
    except (TypeError, ValueError):
        raise _wrong(place, value, "bytes in hex digits") from None


def _wrong(place: str, value: Any, expected: str) -> Invalid:
    found = ascii(value)[:SHOWN]
    return Invalid(f"{place} is {found}, expected {expected}", field=place, found=found, expected=expected)
