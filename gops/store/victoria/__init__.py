"""VictoriaMetrics (single node or cluster): the append-only tier for what outgrows one machine.

::

    submit -> writer: what stands? -> lines -> /api/v2/write -> settled? -> the future is done
    read, aggregate, latest, extent <- rows <- /api/v1/export

======================  ==========================================================================================
series                  what it holds, at the millisecond of the reading; label ``d`` is the Datastream's id
======================  ==========================================================================================
``<name>_q``            quality 0-5, + 10 when ``v`` or + 20 when ``h`` and ``l`` belong to it, + 100 when ``r`` does
``<name>_v``            the value, where the engine returns it to the bit (see ``lines``)
``<name>_h``, ``_l``    upper and lower 32 bits of any other value
``<name>_r``            result_time in microseconds
``<name>_message``      recognised MQTT messages; labels ``s`` session, ``k`` 0-99
``<name>_version``      when something of a bucket of Datastreams changed; labels ``w`` writer, ``b`` bucket
======================  ==========================================================================================

A reading of which a part is not there yet is not shown. Of two written for one (Datastream, t) by two processes the
greater of each part is shown. Docs: ``docs/victoriametrics.md``, ``docs/decisions``.
"""

from gops.store.victoria.server import Flush, Place
from gops.store.victoria.store import VictoriaStore

__all__ = ["Flush", "Place", "VictoriaStore"]
