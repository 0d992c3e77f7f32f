"""Quality rules of Datastreams, held against every reading on its way into the store.

    judging   what a reading is compared with, and which rules it breaks: pure, in columns
    book      the rules of the Datastreams that are written now
    past      the readings before those of a batch
    store     the store that ingest writes to, with the rules before it
    counts    how many were flagged, by day and rule
    service   saying rules, looking at the counts, trying rules on what is stored

Bounds that refuse (``late``, ``future``) are part of a route: see ``sensors.routes.Target``.
"""
