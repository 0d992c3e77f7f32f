"""Alerts: conditions on the readings of Datastreams, told over webhooks, MQTT and mail.

::

    commit -> watching -> evaluating -> condition (pure) -> transitions: state, event and deliveries in one write unit
                                                                                                |
                                       webhook | down/alert of a device | letter  <- sending <--+

One process of a house evaluates and sends: who holds the lease (``lease``).
"""
