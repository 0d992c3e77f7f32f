"""Readings over HTTP: a body of many rows, in any of a few formats, into the store.

::

    unpack -> a reader (delimited, jsonrows, parquet, coded) -> chunks -> settle -> store.submit
                        jsonrows: ahead, in a thread                  targets: whose Datastream is that?

A body is read piece by piece; what a push needs of memory does not grow with its length.
"""
