"""Portals and formats that GOPS can pull from, one module each; all of them pure.

A ``source.Source`` is a declared config of one of them. Those whose rows differ from city to city share ``table``
(which column is what, as the config says) and ``rows`` (columns of a page by such a table).
"""
