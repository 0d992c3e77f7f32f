"""Snapshots: what a dataset held at a moment, in Parquet files that never change, with a manifest that names them all.

::

    ask, or the month begins -> order --worker--> Store.stream -> writing -> files -> manifest (its SHA-256 is cited)
    asof=TIME -> the newest snapshot not later --reading--> rows as a store gives them

``manifest``, ``citation`` and ``periods`` are pure. A snapshot exists for readers once its record says so, in one unit,
after all of its files are durable; what is left behind before that is dropped by the next try, or collected.
"""
