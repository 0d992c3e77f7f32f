"""Figures of this process for Prometheus, in a registry of their own. The only importer of prometheus_client."""

from gops.metrics.metrics import CONTENT_TYPE, Figure, Metrics

__all__ = ["CONTENT_TYPE", "Figure", "Metrics"]
