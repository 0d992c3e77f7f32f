"""The only HTTP client. Every address that a user can set goes through it.

::

    address -> parse -> resolve once -> check every address found -> connect to one of those -> ask -> read in bounds
       ^                                                                                          |
       +------------------------------------- redirect (GET only, bounded) ----------------------+

An address inside (loopback, private, link-local, multicast, reserved, and what wraps one of these in IPv6) is refused
unless the setting ``outbound_allow`` names its network. The connection goes to the very address that was checked, so a
name that resolves differently a moment later (DNS rebinding) changes nothing. Connecting, each read and the whole have
time-outs; the body is bounded as it arrives, before and after decompression. Proxies of the environment are not used.

Nothing that is logged or raised shows a secret: parameters such as ``serviceKey``, and whatever ``Call.secrets`` names
in whichever way it is quoted.
"""

from gops.outbound.address import Network, Resolve
from gops.outbound.client import Answer, Bounds, Call, Outbound
from gops.outbound.masking import mask

__all__ = ["Answer", "Bounds", "Call", "Network", "Outbound", "Resolve", "mask"]
