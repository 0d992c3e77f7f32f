"""CKAN's action API over the catalog, for reading: programs written for CKAN work unchanged.

``asked`` reads parameters, ``actions`` and ``searching`` answer, ``rows`` reads data, ``blueprint`` speaks HTTP.
"""
