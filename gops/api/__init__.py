"""HTTP only: requests in, service calls, answers out. Handlers are a few lines; decisions live in services.

::

    request_ids -> security -> credentials -> v1.* (a blueprint a module) -> problems (every failure, one body)
                                                    |
                                                    +-> observations: columns -> rows, never through marshmallow
"""
