"""Webhooks: news of datasets, told to whoever asked for it."""
