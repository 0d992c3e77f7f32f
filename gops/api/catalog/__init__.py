"""The routes of the catalog: datasets, their data and snapshots, the words of metadata, and pulled feeds."""

from gops.api.catalog import (
    data,
    datasets,
    feeds,
    files,
    harvest,
    hooks,
    life,
    listing,
    newsfeed,
    quality,
    search,
    snapshots,
    vocabularies,
)

_MODULES = (
    *(datasets, life, newsfeed, hooks, search, quality, data, files, listing, snapshots),
    *(vocabularies, feeds, harvest),
)
BLUEPRINTS = tuple(module.blueprint for module in _MODULES)
