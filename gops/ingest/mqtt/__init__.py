"""MQTT: ingest's link to the broker, a device's side of it, and the question whether the broker guards its topics.

The only importer of paho.
"""

from gops.ingest.mqtt.address import BrokerAddress, parse
from gops.ingest.mqtt.device import DeviceClient
from gops.ingest.mqtt.health import LinkHealth
from gops.ingest.mqtt.inbox import Inbox, Message, Taken
from gops.ingest.mqtt.link import LinkOptions, MqttLink
from gops.ingest.mqtt.probe import Verdict, probe

__all__ = [
    "BrokerAddress",
    "DeviceClient",
    "Inbox",
    "LinkHealth",
    "LinkOptions",
    "Message",
    "MqttLink",
    "Taken",
    "Verdict",
    "parse",
    "probe",
]
