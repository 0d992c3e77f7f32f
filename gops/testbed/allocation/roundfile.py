"""The published round: canonical JSON (RFC 8785), so that everybody's bytes and hashes are the same.

::

    {"format": "gops-round/1",
     "inputs": {"call": {...}, "instance": {...}, "mechanism": {"id", "version"},
                "seed": {"nonces", "operator_seed", "operator_seed_sha256", "seed"}},
     "outcome": [[application, site, start], ...],          null, null for the refused
     "refusals": [{"application", "changes", "sites"}, ...],
     "hashes": {"inputs", "marks", "outcome", "refusals"},  SHA-256 of the canonical part
     "marks": {list: [8 hex digits, ...]}}                  of each item's SHA-256, to say where a change is

Format 2 has ``findings`` beside the outcome: {"guaranteed": [[label, application], ...] in the order given, "proof":
null or {"price", "stages": [{"name", "value", "bound"}, ...]}}, with "limited_by": "clock" in the proof where a stage
was not proven. ``ranked`` without further demands stays format 1, to the byte.

Lists of applications are in the order of their ids. In a round of a call the ids are pseudonyms.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import rfc8785

from gops.testbed.allocation import ties
from gops.testbed.allocation.choice import Choice
from gops.testbed.allocation.documents import Document, instance_document
from gops.testbed.allocation.instance import NOTHING_MORE, Instance
from gops.testbed.allocation.outcome import Allocation, Change, Proof, Refusal, SiteReason
from gops.testbed.allocation.uncollected import uncollected

FORMAT = "gops-round/1"
FORMAT_2 = "gops-round/2"
PSEUDONYM_LENGTH = 16  # hex digits; two of 10,000 applications share one with a chance of 3 in 10^12
MARK_LENGTH = 8


@dataclass(frozen=True)
class SeedParts:
    """The operator's secret, now revealed, and what the applicants handed in."""

    operator_seed: bytes
    nonces: tuple[bytes, ...]

    @property
    def seed(self) -> bytes:
        return ties.seed(self.operator_seed, self.nonces)


def canonical(value: Any) -> bytes:
    """RFC 8785."""
    return rfc8785.dumps(value)


def _row(value: Any) -> bytes:
    """The same for whole numbers, names, lists and objects of ASCII keys, of which a round's lists are made: ten times
    as fast, and a test compares both."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def pseudonym(key: bytes, application_id: int) -> str:
    """HMAC-SHA-256 of the application's id in decimal digits, shortened."""
    return hmac.new(key, str(application_id).encode(), hashlib.sha256).hexdigest()[:PSEUDONYM_LENGTH]


def outcome_rows(allocation: Allocation) -> list[list[Any]]:
    """(application, site, start) of every application, by its id; the refused have null, null."""
    placed = [[row.application, row.site, row.start] for row in allocation.placements]
    return sorted(placed + [[row.application, None, None] for row in allocation.refusals], key=lambda row: str(row[0]))


def outcome_hash(allocation: Allocation) -> str:
    return digest(outcome_rows(allocation))


def write(
    instance: Instance,
    seed: SeedParts,
    mechanism: Choice,
    allocation: Allocation,
    call: Mapping[str, Any] | None = None,
) -> bytes:
    """The round file. ``call`` holds what is public of the call: slug, revision, hash of the criteria."""
    with uncollected():
        return _written(instance, seed, mechanism, allocation, call)


def _written(
    instance: Instance, seed: SeedParts, mechanism: Choice, allocation: Allocation, call: Mapping[str, Any] | None
) -> bytes:
    document = instance_document(instance)
    refusals = sorted(allocation.refusals, key=lambda row: row.application)
    lists = {
        "applications": [_row(row) for row in document["applications"]],
        "near": [_row(row) for row in document["near"]],
        "outcome": [_row(row) for row in outcome_rows(allocation)],
        "refusals": [_row(refusal_document(row)) for row in refusals],
        "sites": [_row(row) for row in document["sites"]],
    }
    parts = {name: b"[" + b",".join(items) + b"]" for name, items in lists.items()}
    whole = {name: canonical(document[name]) for name in document.keys() - lists.keys()}
    parts["inputs"] = _object(
        {
            "call": canonical(dict(call or {})),
            "instance": _object({**whole, **{name: parts[name] for name in ("applications", "near", "sites")}}),
            "mechanism": canonical(mechanism.document),
            "seed": canonical(_seed_document(seed)),
        }
    )
    parts["marks"] = _row({name: [_mark(item) for item in items] for name, items in lists.items()})
    names = ["inputs", "marks", "outcome", "refusals"]
    if not is_plain(instance, mechanism):
        parts["findings"] = canonical(_findings(allocation))
        names.append("findings")
    published = {name: parts[name] for name in names}
    hashes = {name: hashlib.sha256(text).hexdigest() for name, text in published.items()}
    form = FORMAT_2 if "findings" in published else FORMAT
    return _object({"format": canonical(form), "hashes": canonical(hashes), **published})


def is_plain(instance: Instance, mechanism: Choice) -> bool:
    """Whether format 1 says everything: ``ranked``, and nothing asked beyond capacity."""
    return (
        mechanism.name == "ranked"
        and instance.demands == NOTHING_MORE
        and all(site.municipality is None for site in instance.sites)
        and not any(row.company or row.theme or row.group or row.cost or row.labels for row in instance.applications)
    )


def _findings(allocation: Allocation) -> Document:
    proof = allocation.proof
    return {
        "guaranteed": [list(row) for row in allocation.guaranteed],
        "proof": None if proof is None else proof_document(proof),
    }


def proof_document(proof: Proof) -> Document:
    """``limited_by`` stands where a stage was not proven: who computes it again may come to another outcome."""
    stages = [{"bound": row.bound, "name": row.name, "value": row.value} for row in proof.stages]
    limited = {} if all(row.is_proven for row in proof.stages) else {"limited_by": "clock"}
    return {**limited, "price": proof.price, "stages": stages}


def _object(parts: Mapping[str, bytes]) -> bytes:
    """The canonical object of canonical parts: RFC 8785 sorts the keys and writes nothing between."""
    return b"{" + b",".join(canonical(name) + b":" + parts[name] for name in sorted(parts)) + b"}"


def _mark(item: bytes) -> str:
    return hashlib.sha256(item).hexdigest()[:MARK_LENGTH]


def _seed_document(seed: SeedParts) -> Document:
    return {
        "nonces": [nonce.hex() for nonce in sorted(seed.nonces)],
        "operator_seed": seed.operator_seed.hex(),
        "operator_seed_sha256": ties.commitment(seed.operator_seed),
        "seed": seed.seed.hex(),
    }


def refusal_document(refusal: Refusal) -> Document:
    """Weeks are [from, to) pairs; holders stand in the order of their turns."""
    return {
        "application": refusal.application,
        "changes": [change_document(change) for change in refusal.changes],
        "sites": [_reason(reason) for reason in refusal.sites],
    }


def _reason(reason: SiteReason) -> Document:
    """Under ``fair`` with the numbers that explain it."""
    numbers = {} if reason.score is None else {"cutoff": reason.cutoff, "score": reason.score}
    lacks = [
        {"holders": list(lack.holders), "weeks": [list(span) for span in lack.weeks], "what": lack.what}
        for lack in reason.lacks
    ]
    return {**numbers, "lacks": lacks, "site": reason.site}


def change_document(change: Change) -> Document:
    if change.kind == "start":
        return {"kind": "start", "site": change.site, "start": change.start, "weeks_later": change.amount}
    if change.kind == "site":
        return {"kind": "site", "site": change.site, "start": change.start}
    return {
        "kind": "less",
        "percent": change.amount,
        "resource": change.resource,
        "site": change.site,
        "start": change.start,
        "to": change.to,
    }
