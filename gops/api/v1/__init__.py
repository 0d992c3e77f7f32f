"""The routes under /api/v1: one blueprint a module, with the schemas of what it takes and gives."""
