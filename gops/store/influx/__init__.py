"""InfluxDB as the time-series store: lines in through influxdb-client, InfluxQL out over ``/query``.

::

    submit -> writer (queue, thread) -> commits: what stands? -> resolve (pure) -> lines -> /api/v2/write
                                                     heads, deliveries (memory)
    read, stream -> spans -> questions -> /query -> rows      aggregate -> windows there, or rows and windowing here

===========  ============  ==========================================================================================
measurement  tag           fields; the time is in microseconds
===========  ============  ==========================================================================================
reading      datastream    v float, has integer (1 a value, 2 a text, 3 both), s string, q integer (quality 0-5),
                           r integer (result_time, the least of 64 bits for none); the time is t
delivery     session       p integer (packet id, -1: what is older is forgotten), d integer (digest); the time is when
===========  ============  ==========================================================================================

Every field is set in every point, so that a point is replaced whole. Docs: ``docs/influxdb.md``.
"""

from gops.store.influx.server import Place
from gops.store.influx.store import InfluxStore

__all__ = ["InfluxStore", "Place"]
