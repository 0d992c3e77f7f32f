"""Arrow batches as files: CSV, NDJSON, JSON, GeoJSON, Parquet and XLSX, each in pieces as the batches come.

A writer is ``write(schema, batches, options) -> pieces of bytes``. Moments that know their zone are written with its
offset. A column that stands ``instead_of`` another (``cells.INSTEAD_OF``) has no column of its own in formats of text.
"""
