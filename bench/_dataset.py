"""A published dataset of Datastreams that are registered already."""

from __future__ import annotations

from collections.abc import Sequence

from gops.catalog.datasets import new_draft
from gops.catalog.model import DatasetDatastream
from gops.catalog.states import change_state
from gops.clock import SystemClock
from gops.records.database import Database
from gops.sensors.publicity import set_public

SLUG = "bench"


def publish(database: Database, streams: Sequence[int]) -> None:
    """The dataset ``SLUG``, public."""
    now = SystemClock().micros()
    with database.write() as session:
        words = {"title_ko": "벤치", "licence": "kogl-1", "theme": "environment", "frequency": "continuous"}
        dataset = new_draft(now, 1, SLUG, **words)
        change_state(dataset, "publish", now)
        session.add(dataset)
        session.flush()
        session.add_all(DatasetDatastream(dataset_id=dataset.id, datastream_id=one) for one in streams)
        set_public(session, streams, True)
