"""Feeds that GOPS pulls over HTTP: what open-data portals answer becomes readings.

::

    jobs -> runner: claim -> budget -> outbound -> adapter.read (envelope) -> adapter.rows (columns)
                                          |                 |                     |
                                          +-- retry --------+-- quota, breaker    +-> stations (registry) -> mapping
                                                                                      -> refusals -> store -> run log

An adapter is pure: it says what to ask, and turns the bytes of an answer into columns. Everything that can fail lives
in the runner. Adding a portal is one module and one line in ``adapters``.
"""
