"""Datasets of other catalogs, described here and kept there.

::

    source (DCAT, CKAN) --outbound--> pages -> found datasets -> compared with what is there -> datasets
                                        |            |                     |
                                        +------------+---------------------+--> run: counts, and what was refused why

A run is read whole before anything is written: pages that go in circles, break off or are no catalog change nothing.
"""
