"""The catalog: datasets of what sensors measure, described, published, downloaded and withdrawn.

::

    registry --drafts--> dataset (draft) --metadata--> publish --> /catalog.jsonld, /datasets/{slug}/data, gops/live
                                                          |
                                                          +--> withdraw --> tombstone (410)

Profiles (``dcat``), tables of words (``licences``, ``vocabularies``) and the shapes of downloads are pure functions of
frozen values; ``datasets`` is the service around them.
"""
