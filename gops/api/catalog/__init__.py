"""The routes of the catalog: datasets, their data and snapshots, the words of metadata, and pulled feeds."""

from gops.api.catalog import data, datasets, feeds, life, newsfeed, quality, search, snapshots, vocabularies

BLUEPRINTS = tuple(
    module.blueprint for module in (datasets, life, newsfeed, search, quality, data, snapshots, vocabularies, feeds)
)
