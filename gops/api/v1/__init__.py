"""The routes under /api/v1: one blueprint a module, with the schemas of what it takes and gives."""

from gops.api.v1 import devices, health, index, keys, observations, organisations, signup

BLUEPRINTS = tuple(module.blueprint for module in (index, organisations, keys, signup, devices, observations, health))
