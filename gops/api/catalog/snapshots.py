"""Snapshots of datasets: listed, ordered, cited, downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from flask import Response, request
from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.catalog.addresses import base, follow
from gops.api.catalog.sources import address_of
from gops.api.context import actor, services
from gops.api.counted import used
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.stored import UNCHANGING, download
from gops.catalog.snapshots.citation import citation
from gops.catalog.snapshots.orders import STATES
from gops.catalog.snapshots.service import SnapshotView
from gops.catalog.vocabularies import FILE_TYPES

blueprint = Blueprint("snapshots", __name__, description="Datasets as they were: frozen, citable, never changed")
PARQUET, JSON = FILE_TYPES["parquet"].media_type, FILE_TYPES["json"].media_type


class SnapshotFileOut(Strict):
    """A Parquet file of it; its columns stand in the manifest."""

    name = fields.String()
    address = fields.String()
    sha256 = fields.String(metadata={"description": "of its bytes; also its ETag"})
    bytes = fields.Integer()
    rows = fields.Integer()
    start = own.moment("times of its readings: from", allow_none=True)
    end = own.moment("to, not in it", allow_none=True)


class SnapshotFailure(Strict):
    code = fields.String()
    note = fields.String(metadata={"description": "for people"})


class SnapshotProgress(Strict):
    rows = fields.Integer()
    of = fields.Integer(metadata={"description": "0 while it is not known"})


class SnapshotOut(Strict):
    number = fields.Integer(metadata={"description": "counts within the dataset"})
    dataset = fields.String()
    state = own.choice("only the publisher sees others than complete and removed", STATES)
    scheduled = fields.Boolean(metadata={"description": "made because a month began"})
    asked_at = own.moment("when it was ordered")
    frozen_at = own.moment("everything stored until then is in it", allow_none=True)
    sha256 = fields.String(allow_none=True, metadata={"description": "of its manifest: what is cited"})
    rows = fields.Integer()
    bytes = fields.Integer()
    first = own.moment("time of its first reading", allow_none=True)
    last = own.moment("time of its last reading", allow_none=True)
    address = fields.String()
    manifest = fields.String(allow_none=True, metadata={"description": "address of all there is to say of it"})
    files = fields.List(fields.Nested(SnapshotFileOut))
    citation_ko = fields.String(allow_none=True, metadata={"description": "the sentence that cites it"})
    citation_en = fields.String(allow_none=True)
    progress = fields.Nested(SnapshotProgress, allow_none=True, metadata={"description": "while it is made"})
    failure = fields.Nested(SnapshotFailure, allow_none=True)


@blueprint.route("/datasets/<slug:slug>/snapshots")
class SnapshotsView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(SnapshotOut))
    @blueprint.moves
    @blueprint.public(401, 404, 410, 422)
    def get(self, query: dict[str, Any], slug: str) -> Any:
        """List the snapshots of a dataset

        The oldest first. The publisher also sees what is under way and what failed.
        """
        follow(slug, services().datasets.get(actor(), slug).slug)
        body, headers = page(query, lambda after, limit: services().snapshots.list(actor(), slug, after, limit))
        return {**body, "items": [shown(one) for one in body["items"]]}, headers

    @blueprint.response(202, SnapshotOut)
    @blueprint.writes(404, 409, 410)
    def post(self, slug: str) -> Any:
        """Freeze a dataset

        Of a published dataset everything that is stored now, in the background; ask the address in `Location` how far
        it is. One at a time.
        """
        made = services().snapshots.ask(actor(), slug)
        return shown(made), {"Location": address_of(made.slug, made.snapshot.number)}


@blueprint.route("/datasets/<slug:slug>/snapshots/<id:number>")
class OneSnapshot(MethodView):
    @blueprint.response(200, SnapshotOut)
    @blueprint.moves
    @blueprint.public(401, 404, 410)
    def get(self, slug: str, number: int) -> Any:
        """Show a snapshot"""
        found = services().snapshots.get(actor(), slug, number)
        follow(slug, found.slug)
        return shown(found)


@blueprint.route("/datasets/<slug:slug>/snapshots/<id:number>/manifest")
class ManifestView(MethodView):
    @blueprint.response(200, {"type": "object"})
    @blueprint.alt_response(304, description="as the asker has it (If-None-Match)", success=True)
    @blueprint.moves
    @blueprint.public(401, 404, 410, 503)
    def get(self, slug: str, number: int) -> Response:
        """Show the manifest of a snapshot

        JSON in canonical form (RFC 8785): description, columns, Datastreams, and the SHA-256 of every file. The SHA-256
        of these very bytes names the snapshot, and is their ETag.
        """
        found, text = services().snapshots.manifest(actor(), slug, number)
        follow(slug, found.slug)
        response = Response(text, mimetype=JSON, headers={"Cache-Control": UNCHANGING})
        response.set_etag(str(found.snapshot.sha256))
        response.make_conditional(request)
        return response


@blueprint.route("/datasets/<slug:slug>/snapshots/<id:number>/files/<name>")
class FileView(MethodView):
    @blueprint.response(200, {"type": "string", "format": "binary"}, content_type=PARQUET)
    @blueprint.alt_response(206, description="the bytes asked for (Range)", success=True)
    @blueprint.alt_response(304, description="as the asker has it (If-None-Match)", success=True)
    @blueprint.moves
    @blueprint.public(401, 404, 410, 416, 503)
    def get(self, slug: str, number: int, name: str) -> Response:
        """Download a file of a snapshot

        Parquet. Its ETag is its SHA-256; ranges of bytes are given.
        """
        found, file = services().snapshots.file(actor(), slug, number, name)
        follow(slug, found.slug)
        return _download(found, file)


@blueprint.route("/snapshots/<sha256>")
class SnapshotOfHash(MethodView):
    @blueprint.response(200, SnapshotOut)
    @blueprint.public(401, 404, 410)
    def get(self, sha256: str) -> Any:
        """Find a snapshot by the hash that a citation names"""
        return shown(services().snapshots.find(actor(), sha256))


def _download(found: SnapshotView, file: Any) -> Response:
    name = f"{found.slug}-{found.snapshot.number}-{file.name}"
    headers = {"Cache-Control": UNCHANGING, "Content-Disposition": f'attachment; filename="{name}"'}
    response = download(lambda: services().snapshots.open(file), file.bytes, file.sha256, PARQUET, headers)
    if response.status_code == 200:
        used("file", found.snapshot.dataset_id)
    return response


def shown(view: SnapshotView) -> SimpleNamespace:
    """A snapshot as the API gives it."""
    one, address = view.snapshot, address_of(view.slug, view.snapshot.number)
    is_made = one.sha256 is not None
    return SimpleNamespace(
        number=one.number,
        dataset=view.slug,
        state=one.state,
        scheduled=one.due is not None,
        asked_at=one.asked_at,
        frozen_at=one.frozen_at,
        sha256=one.sha256,
        rows=one.rows_done if is_made else 0,
        bytes=one.bytes,
        first=one.first,
        last=one.last,
        address=address,
        manifest=f"{address}/manifest" if is_made else None,
        files=_files(view, address),
        citation_ko=cited(view, base(), "ko"),
        citation_en=cited(view, base(), "en"),
        progress=None if is_made else {"rows": one.rows_done, "of": one.rows_expected},
        failure=None if one.code is None else {"code": one.code, "note": one.note or ""},
    )


def _files(view: SnapshotView, address: str) -> Sequence[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "address": f"{address}/files/{one.name}",
            "sha256": one.sha256,
            "bytes": one.bytes,
            "rows": one.rows,
            "start": one.start,
            "end": one.end,
        }
        for one in view.files
    ]


def cited(view: SnapshotView, home: str, language: Any) -> str | None:
    """The sentence that cites it; None for one that is not made."""
    one = view.snapshot
    if one.sha256 is None or one.frozen_at is None or one.about is None:
        return None
    address = home + address_of(view.slug, one.number)
    return citation(one.about, one.number, one.frozen_at, one.sha256, address, language)
