"""Feeds as data: what a publisher declares becomes a way from messages to Datastreams, without code.

::

    declaration (checked) -> revision -> FeedRoute: decode -> arrange (plan) -> targets -> resolve
                                            ^
    topics that its filter matches, or a link of its own to another broker

``sections``, ``declaration``, ``filters``, ``plan`` and ``clocks`` are pure; ``targets`` asks the registry, and
registers drafts where the feed says so.
"""
