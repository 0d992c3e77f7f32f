"""What the catalog says in the words of others: pure functions of ``catalog.facts``, one module a profile.

::

    facts --dcat--> nodes (JSON-LD) --graph--> statements --turtle | rdfxml--> text
    facts --schema_org--> JSON-LD of a page    facts --ckan--> packages of CKAN    facts --datapackage--> Data Package 2
"""
