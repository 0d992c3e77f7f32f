"""The embedded broker: amqtt in a child process of its own, with our logins, permissions and bounds.

``python -m gops.ingest.broker`` runs it; ``docs/brokers.md`` says what it does and does not do. The only importer of
amqtt.
"""
