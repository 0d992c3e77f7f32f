"""The routes of the catalog: datasets, their data, the words of metadata, and pulled feeds."""

from gops.api.catalog import data, datasets, feeds, vocabularies

BLUEPRINTS = tuple(module.blueprint for module in (datasets, data, vocabularies, feeds))
