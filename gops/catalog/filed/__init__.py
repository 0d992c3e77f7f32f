"""Datasets of files: taken in, looked at, kept as they came and as one Parquet file, described column by column.

::

    body -> telling (what the bytes are) -> {csv, xlsx, geojson, parquet}_source -> batches of text or typed columns
                                                                    -> inferring -> casting -> Parquet, summaries
         -> files (as it came)                                                                     |
                                                       service: a revision of the file, one of the dataset

What stands in a file is never believed: its type, its encoding, its sizes and each of its cells are looked at before
anything is kept, and what is wrong is told by row and column.
"""
