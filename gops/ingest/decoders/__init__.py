"""The codecs: one pure function each, one line here, one vector file under ``tests/vectors``."""

from __future__ import annotations

from gops import logs
from gops.ingest.decoded import Decoded, Decoder, Frame, Value
from gops.ingest.decoders import bare, chirpstack, csv, influx, json, ndjson, senml, sensorthings, tts
from gops.ingest.refused import Refused

__all__ = ["DECODERS", "Decoded", "Decoder", "Frame", "Value", "decode"]

log = logs.get(__name__)

DECODERS: dict[str, Decoder] = {
    "chirpstack": chirpstack.decode,
    "csv": csv.decode,
    "influx": influx.decode,
    "json": json.decode,
    "ndjson": ndjson.decode,
    "senml": senml.decode,
    "sensorthings": sensorthings.decode,
    "tts": tts.decode,
    "value": bare.decode,
}


def decode(codec: str, payload: bytes, frame: Frame) -> Decoded:
    """Read a message with the codec that its topic names. Any bytes give readings or refusals; nothing is raised."""
    decoder = DECODERS.get(codec)
    if decoder is None:
        known = ", ".join(sorted(DECODERS))
        return whole("unknown_codec", f"there is no codec {codec[:64]!r}; expected one of {known}")
    if len(payload) > frame.max_bytes:
        limit = f"at most {frame.max_bytes} bytes (GOPS_MESSAGE_BYTES)"
        return whole("too_large", f"a payload of {len(payload)} bytes; expected {limit}")
    try:
        return decoder(payload, frame)
    except Exception:  # a mistake in a decoder must cost one message, not the consumer
        log.exception("decoder_failed", codec=codec, bytes=len(payload))
        return whole("internal", "GOPS could not read the message; its operators can see why")


def whole(code: str, note: str) -> Decoded:
    """A message of which nothing could be read."""
    return Decoded(refusals=[Refused(code, None, "", note)])
