"""GOPS, the Gyeonggi Open Platform for SmartCity: an open data platform and a testbed broker in one program.

The two journeys::

    device --MQTT--> ingest.mqtt -> decode -> map -> check -> store.write -> acknowledge -> answer the device
                                       \\-> refusal (kept with its reason)      |
                                                        store -> api (REST) -> portal

    company -> application -> eligibility -> review -> allocation -> slot -> pilot -> evaluation -> certificate
    municipality -> site, call ----------------------------^

A module imports only modules of lower rank (``tests/rules/test_layering.py``)::

    8 cli   7 demo | separate | serving   6 compose   5 api | portal | keeping   4 ingest | catalog | testbed
    3 accounts | sensors | store adapters, over them notify
    2 records | store port | jobs | files | outbound | areas | timetext
    1 geo | units | durations | settings | kinds | quality | windows | permissions | admin | process
    0 errors | clock | logs | ucum
"""

__version__ = "0.1.0"
