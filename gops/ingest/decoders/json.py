"""The JSON codec."""

from __future__ import annotations

from gops.ingest.decoded import Decoded, Frame


def decode(payload: bytes, frame: Frame) -> Decoded:
    """Readings of a GOPS JSON message."""
    raise NotImplementedError
