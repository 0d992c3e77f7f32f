"""The hashes that a round file states of itself, and the two parts of its seed."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from gops.testbed.allocation.verify.finding import Findings


def sha256(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


PARTS = ("findings", "inputs", "marks", "outcome", "refusals")  # the first of format 2 alone


def check(document: Any, findings: Findings) -> dict[str, str]:
    """Compare every hash; where a part is not what its hash says, the marks tell which of its items is not. The hashes
    of what stands there, by part."""
    instance, marks = document["inputs"]["instance"], document["marks"]
    lists = {
        "findings": [],
        "inputs": [(f"inputs.instance.{name}", instance[name], name) for name in ("applications", "near", "sites")],
        "marks": [],
        "outcome": [("outcome", document["outcome"], "outcome")],
        "refusals": [("refusals", document["refusals"], "refusals")],
    }
    computed = {part: sha256(document[part]) for part in PARTS if part in document}
    for part, digest in computed.items():
        stated = document["hashes"][part]
        if digest != stated:
            findings.add("hash", f"hashes.{part}", f"{stated} stated", f"{digest}, that of what stands there")
            for place, rows, name in lists[part]:
                _items(place, rows, marks[name], findings)
    _seed(document["inputs"]["seed"], findings)
    return computed


def _items(place: str, rows: list[Any], marks: list[Any], findings: Findings) -> None:
    if len(rows) != len(marks):
        findings.add("mark", place, f"{len(rows)} items", f"{len(marks)}, as many as there are marks")
    for index, (row, mark) in enumerate(zip(rows, marks, strict=False)):
        computed = sha256(row)[:8]
        if computed != mark:
            findings.add("mark", f"{place}[{index}]", row, f"what its mark {mark} was made of (this makes {computed})")


def _seed(seed: Any, findings: Findings) -> None:
    secret = bytes.fromhex(seed["operator_seed"])
    nonces = [bytes.fromhex(nonce) for nonce in seed["nonces"]]
    committed = hashlib.sha256(secret).hexdigest()
    if committed != seed["operator_seed_sha256"]:
        findings.add("seed", "inputs.seed.operator_seed", committed, f"SHA-256 {seed['operator_seed_sha256']}")
    if nonces != sorted(nonces):
        findings.add("seed", "inputs.seed.nonces", "another order", "ascending")
    made = hashlib.sha256(secret + b"".join(nonces)).hexdigest()
    if made != seed["seed"]:
        findings.add("seed", "inputs.seed.seed", seed["seed"], f"{made}, of the operator's seed and the nonces")
