"""Search over the catalog.

::

    dataset --(commit)--> entries --words--> tokens --> text index (FTS5 or PostgreSQL)   in the same transaction
                              \\--> facts of facets: one row of ``search_entry``

    q --asking--> terms --text index--> ids --ranking--> order --facets--> counts --> a page

Korean is cut into overlapping pairs of syllables by GOPS itself (``words``), so that both engines see the same plain
tokens and give the same answer in the same order; names of places and properties meet in ``synonyms``.
"""
