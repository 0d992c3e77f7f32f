"""Static files of the pages: read once, kept for ever under an address with their hash, compressed where prepared."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flask import Response, abort, request

FOLDER = Path(__file__).parent / "static"
KEPT_SECONDS = 31_536_000
SERVED = (".css", ".js", ".svg")
VIEWER = "vendor/swagger-ui-bundle.js"


@dataclass(frozen=True)
class File:
    content: bytes
    packed: bytes | None  # gzip
    digest: str
    media_type: str


class Statics:
    """The files below ``folder`` as they are now; nothing else has an address."""

    def __init__(self, folder: Path = FOLDER) -> None:
        found = (path for path in sorted(folder.rglob("*")) if path.suffix in SERVED)
        self.files: Mapping[str, File] = {path.relative_to(folder).as_posix(): _read(path) for path in found}

    @property
    def has_viewer(self) -> bool:
        """Was the viewer of the API document fetched (``python -m gops.portal.assets``)?"""
        return VIEWER in self.files

    def address(self, name: str) -> str:
        """The address of a file, which changes with its content."""
        return f"/static/{name}?v={self.files[name].digest}"

    def serve(self, name: str) -> Response:
        file = self.files.get(name)
        if file is None:
            abort(404)
        packed = file.packed if "gzip" in request.accept_encodings else None
        response = Response(packed or file.content, content_type=file.media_type)
        if packed is not None:
            response.headers["Content-Encoding"] = "gzip"
        response.vary.add("Accept-Encoding")
        is_lasting = request.args.get("v") == file.digest
        response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}, immutable" if is_lasting else "no-cache"
        response.set_etag(file.digest + ("-gz" if packed is not None else ""))
        response.make_conditional(request)
        return response


def _read(path: Path) -> File:
    content, packed = path.read_bytes(), path.with_name(f"{path.name}.gz")
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return File(
        content,
        packed.read_bytes() if packed.is_file() else None,
        hashlib.sha256(content).hexdigest()[:12],
        f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
    )
